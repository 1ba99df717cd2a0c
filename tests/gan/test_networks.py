"""NICE-GAN's networks at the publication's sizes."""

import pytest
import torch
from torch.nn import Conv2d, Linear, functional

from past_gan.networks.resampling import PixelShuffle, Smooth
from past_gan.nicegan.networks import Decoder, Encoder, PatchHeads
from past_gan.nicegan.normalization import ILN, AdaILN, instance_layer_norm

Weighted = (Conv2d, Linear)


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def test_parameter_counts_are_the_published_ones():
    with torch.device("meta"):
        assert parameters(Decoder(3, 64, flat=64)) == 276_474_560  # 276.5 M
        assert parameters(Decoder(3, 64)) == 8_104_640  # 8.1 M
    assert parameters(Encoder(3, 64)) == 167_489  # 0.17 M
    assert parameters(PatchHeads(64)) == 46_706_944  # 46.7 M


@pytest.mark.parametrize(("stages", "field"), [(0, 34), (1, 70), (2, 142), (3, 286)])
def test_each_head_sees_the_documented_number_of_pixels(stages, field):
    torch.manual_seed(0)
    # Without attention, whose pooling sees the whole image.
    layers = Encoder(1, 2).layers
    heads = PatchHeads(2, (stages,))
    image = torch.randn(1, 1, 512, 512, requires_grad=True)
    (logits,) = heads(layers(image))
    middle = logits.shape[2] // 2
    logits[0, 0, middle, middle].backward()
    touched = image.grad[0, 0].abs().sum(1).nonzero()
    assert int(touched.max() - touched.min()) + 1 == field


def test_sizes_at_256_pixels():
    image = torch.empty(2, 3, 256, 256)
    code = Encoder(3, 4)(image)
    local, wide = PatchHeads(4)(code.features)
    assert code.features.shape == (2, 8, 64, 64)
    assert code.attention.shape == (2, 1)
    assert local.shape == (2, 1, 30, 30)
    assert wide.shape == (2, 1, 6, 6)
    assert Decoder(3, 4, blocks=1)(code.features).shape == image.shape


def test_half_resolution_encoder_and_its_decoder_keep_the_size():
    images = torch.randn(1, 1, 24, 32)
    code = Encoder(1, 4, downsampling=1)(images)
    assert code.features.shape == (1, 8, 12, 16)
    for smooth in (False, True):
        decoder = Decoder(1, 4, blocks=1, downsampling=1, smooth=smooth)
        assert decoder(code.features).shape == images.shape


def test_attention_starts_switched_off_and_then_adds_weighted_features():
    torch.manual_seed(0)
    encoder = Encoder(1, 4).eval()
    images = torch.randn(2, 1, 16, 16)
    plain = encoder.layers(images)
    assert torch.equal(encoder(images).features, functional.leaky_relu(plain, 0.2))

    torch.nn.init.constant_(encoder.gain, 0.7)
    weights = encoder.attention.weight[..., None, None]
    both = torch.cat([plain, plain], 1) * weights
    expected = functional.leaky_relu(0.7 * encoder.mix(both) + plain, 0.2)
    torch.testing.assert_close(encoder(images).features, expected)


def test_every_discriminator_weight_is_spectrally_normalised():
    torch.manual_seed(0)
    encoder, heads = Encoder(1, 8), PatchHeads(8)
    normalised = [m for part in (encoder, heads) for m in part.modules() if isinstance(m, Weighted)]
    assert len(normalised) == (2 + 1 + 1) + (
        3 + 2 + 2
    )  # encoder with attention and mix; trunk and heads
    for module in normalised:
        if module is encoder.mix:
            continue
        for _ in range(30):
            weight = module.weight  # each access improves the estimate
        norm = torch.linalg.matrix_norm(weight.detach().flatten(1), 2)
        assert norm == pytest.approx(1, abs=0.02)


def published_formula(x, rho, gamma, beta):
    def normalised(axes):
        variance, mean = torch.var_mean(x, dim=axes, keepdim=True)
        return (x - mean) / torch.sqrt(variance + 1e-5)

    weight = rho.softmax(0)[:, None, :, None, None]
    mixed = weight[0] * normalised((2, 3)) + weight[1] * normalised((1, 2, 3))
    return gamma[..., None, None] * mixed + beta[..., None, None]


@pytest.mark.parametrize("batch_of_gamma", [1, 3])
def test_instance_layer_norm_is_the_published_formula_with_its_gradients(batch_of_gamma):
    torch.manual_seed(0)
    shapes = [(3, 5, 4, 6), (2, 5), (batch_of_gamma, 5), (batch_of_gamma, 5)]
    inputs = [torch.randn(s, dtype=torch.float64).requires_grad_() for s in shapes]
    inputs[0].data += 3
    probe = torch.randn(shapes[0], dtype=torch.float64)
    ours, theirs = instance_layer_norm(*inputs), published_formula(*inputs)
    # The computation is in float32 whatever comes in.
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    for got, expected in zip(
        torch.autograd.grad((ours * probe).sum(), inputs),
        torch.autograd.grad((theirs * probe).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(got, expected, atol=1e-4, rtol=1e-4)


def test_mixtures_start_as_published():
    assert AdaILN(3).rho.tolist() == [[pytest.approx(3.2)] * 3, [1.0] * 3]
    assert ILN(3).rho.tolist() == [[1.0] * 3, [pytest.approx(3.2)] * 3]


def test_pixel_shuffle_is_torchs_up_to_the_order_of_channels():
    x = torch.randn(2, 12, 3, 5)
    reordered = x.view(2, 2, 2, 3, 3, 5).permute(0, 3, 1, 2, 4, 5).reshape(2, 12, 3, 5)
    assert torch.equal(PixelShuffle()(x), functional.pixel_shuffle(reordered, 2))


def test_smoothing_takes_out_the_checkerboard_and_keeps_slopes():
    row, column = torch.meshgrid(torch.arange(6.0), torch.arange(8.0), indexing="ij")
    slope = (3 * row - column)[None, None]
    board = ((row + column) % 2)[None, None]
    smoothed = Smooth()(slope + board)
    assert smoothed.shape == slope.shape
    inside = (..., slice(1, -1), slice(1, -1))
    torch.testing.assert_close(smoothed[inside], (slope + 0.5)[inside])
