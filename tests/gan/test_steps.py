"""Which losses a step computes, and which weights it moves."""

import dataclasses

import pytest
import torch

from past_gan.networks.losses import discriminator_loss, distance, generator_loss, gradient_penalty
from past_gan.nicegan.steps import NiceGANModel
from past_gan.training.runtime import Runtime
from tests.gan.stepping import moved, new_batch, snapshot


def model(config, precision="float32", **changes):
    torch.manual_seed(0)
    return NiceGANModel(config.model_copy(update=changes), Runtime.single("cpu", precision))


@pytest.fixture
def batch():
    return new_batch()


def test_discriminator_step_moves_all_encoders_and_heads_and_no_decoder(tiny, batch):
    trained = model(tiny)
    before = snapshot(trained)
    trained.discriminator_step(batch)
    names = moved(before, trained)
    # The attention's 1x1 convolution waits for its gain, which starts at 0.
    expected = {n for n in before if "decoder" not in n and ".mix." not in n}
    assert {n for n in names if ".mix." not in n} == expected


def test_generator_step_moves_all_decoders_and_nothing_else(tiny, batch):
    trained = model(tiny)
    before = snapshot(trained)
    buffers = {n: b.clone() for n, b in trained.named_buffers()}
    trained.generator_step(batch)
    assert moved(before, trained) == {n for n in before if "decoder" in n}
    # Not even the power iterations of the spectral norms.
    assert all(torch.equal(buffers[n], b) for n, b in trained.named_buffers())
    assert all(p.requires_grad for p in trained.parameters())


def test_generator_gradients_flow_through_the_frozen_encoders(tiny, batch):
    # With the cycle alone, a decoder of one contrast learns only through the other's
    # encoder and decoder.
    trained = model(tiny, adversarial_weight=0.0, reconstruction_weight=0.0)
    code = trained.source.encoder(batch.source).features.detach()
    trained.discriminators.requires_grad_(False)
    fake = trained.target.decoder(code)
    again = trained.source.decoder(trained.target.encoder(fake).features)
    distance(again, batch.source).backward()
    assert all(p.grad is not None for p in trained.target.decoder.parameters())
    assert all(p.grad is None for p in trained.discriminators.parameters())


def test_loss_terms_are_the_publications(tiny, batch):
    source, target = batch.source, batch.target
    trained = model(tiny)
    trained.eval()
    a, b = trained.source, trained.target
    with torch.no_grad():
        code_a, code_b = a.encoder(source).features, b.encoder(target).features
        fake_b, fake_a = b.decoder(code_a), a.decoder(code_b)
        seen_a, seen_b = a.encoder(fake_a), b.encoder(fake_b)
        logits = [
            *a.heads(seen_a.features),
            seen_a.attention,
            *b.heads(seen_b.features),
            seen_b.attention,
        ]
        expected = {
            "adversarial": sum(((one - 1) ** 2).mean() for one in logits),
            "cycle": (a.decoder(seen_b.features) - source).abs().mean()
            + (b.decoder(seen_a.features) - target).abs().mean(),
            "reconstruction": (a.decoder(code_a) - source).abs().mean()
            + (b.decoder(code_b) - target).abs().mean(),
        }
    losses = trained.generator_step(batch)
    assert set(losses) == set(expected)
    for name, value in expected.items():
        assert losses[name].item() == pytest.approx(value.item(), rel=1e-4)


def test_discriminator_loss_wants_ones_for_real_and_zeros_for_translated():
    perfect = discriminator_loss([torch.ones(3, 1)], [torch.zeros(3, 1)])
    fooled = discriminator_loss([torch.zeros(2), torch.zeros(5)], [torch.ones(2), torch.ones(5)])
    assert (perfect.item(), fooled.item()) == (0, 4)
    assert generator_loss([torch.zeros(4), torch.ones(4)]).item() == 1


def test_identity_loss_is_optional(tiny, batch):
    assert "identity" not in model(tiny).generator_step(batch)
    trained = model(tiny, identity_weight=1.0).eval()
    a, b = trained.source, trained.target
    with torch.no_grad():
        # Each translator is fed what is of its output's contrast already.
        same_a = a.decoder(b.encoder(batch.source).features)
        same_b = b.decoder(a.encoder(batch.target).features)
    expected = (same_a - batch.source).abs().mean() + (same_b - batch.target).abs().mean()
    found = trained.generator_step(batch)["identity"]
    assert found.item() == pytest.approx(expected.item(), rel=1e-4)


def test_gradient_penalty_is_half_the_squared_gradient_at_real_images():
    weight = torch.tensor([[1.0, -2.0, 3.0]])

    def discriminator(images):
        # Two logit maps of a linear function: gradients weight and 2 * weight.
        flat = images.flatten(1) @ weight.T
        return [flat, 2 * flat]

    real = torch.randn(5, 1, 1, 3)
    assert gradient_penalty(discriminator, real).item() == pytest.approx(0.5 * 9 * (1 + 4 + 9))


def test_r1_calms_the_discriminators_and_is_optional(tiny, batch):
    assert "r1" not in model(tiny).step(batch)
    trained = model(tiny, r1_weight=10.0)
    penalties = [trained.step(batch)["r1"].item() for _ in range(15)]
    free = model(tiny, r1_weight=1e-9)
    unchecked = [free.step(batch)["r1"].item() for _ in range(15)]
    assert penalties[0] == pytest.approx(unchecked[0], rel=1e-3)
    assert penalties[-1] < 0.8 * unchecked[-1]


def test_discriminators_look_at_replayed_translations(tiny, batch):
    trained = model(tiny, replay=2)
    shown = []
    trained.target.encoder.register_forward_hook(lambda m, i, o: shown.append(i[0]))
    for step in range(6):
        held = [image.clone() for image in trained.pools["target"].images]
        shown.clear()
        trained.discriminator_step(dataclasses.replace(batch, step=step))
        # First the real images, then what is taken for translated.
        replayed = [any(torch.equal(image, old) for old in held) for image in shown[1]]
        if any(replayed):
            return
    pytest.fail("no translation of an earlier step was shown again")


def test_edges_are_held_if_asked_for(tiny, batch):
    assert "mind" not in model(tiny).step(batch)
    losses = model(tiny, mind_weight=2.0).step(batch)
    assert 0 < losses["mind"].item() < 2


def test_images_may_be_a_slice_with_its_neighbours(tiny):
    batch = new_batch(channels=3)
    trained = model(tiny, image_slices=3)
    losses = trained.step(batch)
    assert all(value.isfinite() for value in losses.values())
    assert trained.translating(batch.source).shape == batch.source.shape


def test_running_mean_follows_the_translating_networks_slowly(tiny, batch):
    trained = model(tiny, ema=0.75)
    start = trained.averaged.decoder.gamma.weight.clone()
    trained.step(batch)
    now = trained.target.decoder.gamma.weight
    mean = trained.averaged.decoder.gamma.weight
    torch.testing.assert_close(mean, 0.75 * start + 0.25 * now)
    # Singular vectors of the spectral norms are those of the present: a mean would be short.
    present = dict(trained.translating.named_buffers())
    assert present
    assert all(torch.equal(b, present[n]) for n, b in trained.averaged.named_buffers())
    assert not torch.equal(start, now)


def test_bfloat16_losses_agree_with_float32(tiny, batch):
    exact, coarse = model(tiny).step(batch), model(tiny, "bfloat16").step(batch)
    assert exact["cycle"].item() != coarse["cycle"].item()
    for name, value in exact.items():
        assert coarse[name].item() == pytest.approx(value.item(), rel=0.2)
