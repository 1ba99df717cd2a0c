"""CycleGAN: its networks at the publication's sizes, its steps, its pool."""

import subprocess
import sys

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from past_core.errors import DataError
from past_gan.cyclegan.config import CycleGANConfig
from past_gan.cyclegan.networks import Discriminator, Generator
from past_gan.cyclegan.normalization import InstanceNorm
from past_gan.cyclegan.steps import CycleGANModel, Translations
from past_gan.data.batch import Batch
from past_gan.networks.pool import ImagePool
from past_gan.training import checkpoint
from past_gan.training.runtime import Runtime, new_fabric
from tests.gan.stepping import SIDE, moved, new_batch, snapshot


@pytest.fixture
def small():
    """The smallest networks with every kind of layer."""
    return CycleGANConfig(
        channels=4,
        blocks=1,
        stages=2,
        pool=3,
        crop=SIDE,
        batch_size=2,
        learning_rate=1e-3,
        precision="float32",
    )


def new_model(config, precision="float32", structures=0, seed=0, **changes):
    torch.manual_seed(0)
    config = config.model_copy(update=changes)
    return CycleGANModel(config, Runtime.single("cpu", precision), structures, seed)


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def weights(names, part):
    # Biases before a norm have no effect: their gradients are zero up to rounding.
    return {name for name in names if f".{part}." in name and name.endswith("weight")}


# Networks


def test_parameter_counts_are_the_published_ones():
    with torch.device("meta"):
        assert parameters(Generator(3)) == 11_378_179  # 11.378 M
        assert parameters(Generator(3, blocks=6)) == 7_837_699  # 7.838 M
        assert parameters(Discriminator(3)) == 2_764_737  # 2.765 M


@pytest.mark.parametrize(("stages", "field"), [(1, 16), (2, 34), (3, 70)])
def test_a_discriminator_sees_the_documented_number_of_pixels(stages, field):
    torch.manual_seed(0)
    # Without norms, whose statistics see the whole image.
    layers = nn.Sequential(
        *(m for m in Discriminator(1, 2, stages).layers if not isinstance(m, InstanceNorm))
    )
    image = torch.randn(1, 1, 160, 160, requires_grad=True)
    logits = layers(image)
    middle = logits.shape[2] // 2
    logits[0, 0, middle, middle].backward()
    for axis in (0, 1):
        touched = image.grad[0, 0].abs().sum(axis).nonzero()
        assert int(touched.max() - touched.min()) + 1 == field


def test_sizes_at_256_pixels():
    image = torch.rand(1, 3, 256, 256)
    with torch.no_grad():
        assert Discriminator(3, 2)(image).shape == (1, 1, 30, 30)
        assert Generator(3, 2, blocks=1)(image).shape == image.shape


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
@pytest.mark.parametrize("downsampling", [1, 2])
def test_generators_keep_every_allowed_size_and_stay_in_range(upsampling, downsampling):
    torch.manual_seed(0)
    generator = Generator(1, 4, 1, downsampling, upsampling)
    step = 2**downsampling
    for height, width in [(2 * step, 2 * step), (48, 5 * step)]:
        images = torch.rand(1, 1, height, width) * 2 - 1
        translated = generator(images)
        assert translated.shape == images.shape
        assert -1 <= translated.min() < translated.max() <= 1


def test_blocks_work_at_the_configured_resolution():
    shapes = {}
    for downsampling in (1, 2):
        generator = Generator(1, 4, 1, downsampling)
        block = next(m for m in generator.layers if "ResidualBlock" in type(m).__name__)
        block.register_forward_hook(lambda m, i, o, key=downsampling: shapes.update({key: o.shape}))
        generator(torch.rand(1, 1, 16, 32))
    assert shapes == {1: (1, 8, 8, 16), 2: (1, 16, 4, 8)}


def test_images_of_a_batch_do_not_see_each_other():
    torch.manual_seed(0)
    images = torch.randn(3, 1, SIDE, SIDE)
    for network in (Generator(1, 4, 1), Discriminator(1, 4, 2)):
        together = network(images)
        apart = torch.cat([network(image[None]) for image in images])
        torch.testing.assert_close(together, apart)


def test_resizing_leaves_no_checkerboard_where_transposed_convolutions_do():
    def unevenness(upsampling):
        torch.manual_seed(0)
        layers = Generator(1, 4, 0, 1, upsampling).layers
        last = max(i for i, m in enumerate(layers) if isinstance(m, InstanceNorm))
        first = next(
            i for i, m in enumerate(layers) if isinstance(m, nn.ConvTranspose2d | nn.Upsample)
        )
        flat = layers[first:last](torch.ones(1, 8, 8, 8))
        return flat[..., 2:-2, 2:-2].std(dim=(2, 3)).max().item()

    assert unevenness("resize") < 1e-6
    assert unevenness("transposed") > 1e-2


def test_initial_weights_are_normal_of_the_published_spread_and_biases_zero():
    torch.manual_seed(0)
    for network in (Generator(1, 16, 2), Discriminator(1, 16)):
        named = dict(network.named_parameters())
        drawn = torch.cat([p.flatten() for name, p in named.items() if name.endswith("weight")])
        assert drawn.mean().item() == pytest.approx(0, abs=5e-4)
        assert drawn.std().item() == pytest.approx(0.02, rel=0.02)
        assert all(not p.any() for name, p in named.items() if name.endswith("bias"))


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("count", [1, 2])
def test_instance_norm_is_its_formula_with_its_gradient(order, count):
    torch.manual_seed(0)
    x = (3 + torch.randn(count, 5, 4, 6)).contiguous(memory_format=order).requires_grad_()
    probe = torch.randn(count, 5, 4, 6).contiguous(memory_format=order)
    variance, mean = torch.var_mean(x, (2, 3), correction=0, keepdim=True)
    expected = (x - mean) / torch.sqrt(variance + 1e-5)
    y = InstanceNorm()(x)
    torch.testing.assert_close(y, expected)
    assert y.is_contiguous(memory_format=order)
    ours, theirs = (torch.autograd.grad((one * probe).sum(), x)[0] for one in (y, expected))
    torch.testing.assert_close(ours, theirs)


def test_bfloat16_features_are_normalised_in_bfloat16_by_statistics_in_float32():
    torch.manual_seed(0)
    x = 100 + torch.randn(1, 3, 64, 64)
    y = InstanceNorm()(x.bfloat16())
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), InstanceNorm()(x.bfloat16().float()), atol=0.02, rtol=0)


# Steps


def test_generator_step_moves_all_generators_and_nothing_else(small):
    model = new_model(small)
    before = snapshot(model)
    model.generator_step(new_batch())
    names = moved(before, model)
    assert weights(names, "generator") == weights(before, "generator")
    assert all(".generator." in name for name in names)
    assert all(p.requires_grad for p in model.parameters())
    assert all(p.grad is None for p in model.discriminators.parameters())


def test_discriminator_step_moves_all_discriminators_and_nothing_else(small):
    model, batch = new_model(small), new_batch()
    before = snapshot(model)
    model.discriminator_step(batch, Translations(batch.target, batch.source))
    names = moved(before, model)
    assert weights(names, "discriminator") == weights(before, "discriminator")
    assert all(".discriminator." in name for name in names)


def test_a_step_uses_the_schedules_rate(small):
    model, batch = new_model(small), new_batch()
    still = Batch(batch.source, batch.target, labels=None, step=0, rate=0.0)
    before = snapshot(model)
    model.step(still)
    assert moved(before, model) == set()
    model.step(batch)
    assert len(moved(before, model)) > 0


def test_generator_loss_terms_are_the_publications(small):
    model, batch = new_model(small, identity=0.5), new_batch()
    x, y = batch.source, batch.target
    (f, d_x), (g, d_y) = ((c.generator, c.discriminator) for c in (model.source, model.target))
    with torch.no_grad():
        fake_y, fake_x = g(x), f(y)
        expected = {
            "adversarial": ((d_y(fake_y) - 1) ** 2).mean() + ((d_x(fake_x) - 1) ** 2).mean(),
            "cycle": (f(fake_y) - x).abs().mean() + (g(fake_x) - y).abs().mean(),
            "identity": (g(y) - y).abs().mean() + (f(x) - x).abs().mean(),
        }
    losses, translations = model.generator_step(batch)
    assert set(losses) == set(expected)
    for name, value in expected.items():
        assert losses[name].item() == pytest.approx(value.item(), rel=1e-5)
        assert not losses[name].requires_grad
    torch.testing.assert_close(translations.target, fake_y)
    torch.testing.assert_close(translations.source, fake_x)
    assert not translations.source.requires_grad


def test_generator_gradients_are_those_of_the_weighted_sum(small):
    model, batch = new_model(small, cycle_weight=7.0, identity=0.3), new_batch()
    x, y = batch.source, batch.target
    (f, d_x), (g, d_y) = ((c.generator, c.discriminator) for c in (model.source, model.target))
    fake_y, fake_x = g(x), f(y)
    loss = ((d_y(fake_y) - 1) ** 2).mean() + ((d_x(fake_x) - 1) ** 2).mean()
    loss = loss + 7.0 * ((f(fake_y) - x).abs().mean() + (g(fake_x) - y).abs().mean())
    loss = loss + 7.0 * 0.3 * ((g(y) - y).abs().mean() + (f(x) - x).abs().mean())
    expected = torch.autograd.grad(loss, list(model.generators.parameters()))
    model.generator_step(batch)
    for parameter, gradient in zip(model.generators.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, atol=1e-6, rtol=1e-4)


def test_gradients_of_a_batch_are_the_means_of_its_images(small):
    # Of one image, torch's instance norm has wrong gradients in channels-last order.
    def gradients(batch):
        model = new_model(small)
        model.step(batch)
        return [p.grad for name, p in model.named_parameters() if name.endswith("weight")]

    whole = new_batch()
    halves = (
        Batch(source[None], target[None], labels=None, step=0, rate=1.0)
        for source, target in zip(whole.source, whole.target, strict=True)
    )
    for both, first, second in zip(
        gradients(whole), *(gradients(half) for half in halves), strict=True
    ):
        assert (both - (first + second) / 2).norm() < 1e-4 * both.norm()


def test_discriminator_loss_and_gradients_are_half_of_real_plus_translated(small):
    model, batch = new_model(small, pool=0), new_batch()
    fakes = Translations(torch.zeros_like(batch.source), -batch.target)
    loss = sum(
        (((d(real) - 1) ** 2).mean() + (d(fake) ** 2).mean()) / 2
        for d, real, fake in (
            (model.source.discriminator, batch.source, fakes.source),
            (model.target.discriminator, batch.target, fakes.target),
        )
    )
    expected = torch.autograd.grad(loss, list(model.discriminators.parameters()))
    found = model.discriminator_step(batch, fakes)
    assert found["discriminator"].item() == pytest.approx(loss.item(), rel=1e-5)
    for parameter, gradient in zip(model.discriminators.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, atol=1e-6, rtol=1e-4)


def test_identity_loss_is_optional(small):
    assert "identity" in new_model(small).step(new_batch())
    plain = new_model(small, identity=0.0).step(new_batch())
    assert set(plain) == {"adversarial", "cycle", "discriminator"}


def test_discriminators_are_shown_translations_from_before_their_generators_moved(small):
    # As in the authors' code: made once a step, by the weights at its beginning.
    model, batch = new_model(small), new_batch()
    with torch.no_grad():
        made = model.translating(batch.source)
    model.step(batch)
    torch.testing.assert_close(torch.stack(model.pools["target"].images), made)


def test_a_discriminator_is_shown_the_real_images_and_then_those_of_its_pool(small):
    model, batch = new_model(small, pool=2, seed=5), new_batch(size=1)
    shown = []
    model.target.discriminator.register_forward_hook(lambda m, i, o: shown.append(i[0]))
    pool, expected = ImagePool(2, 5, model.pools["target"].stream), []
    for step in range(12):
        fakes = torch.full_like(batch.target, step / 20)
        now = Batch(batch.source, batch.target, labels=None, step=step, rate=1.0)
        model.discriminator_step(now, Translations(fakes, fakes))
        expected.append(torch.cat([batch.target, pool.exchange(fakes, step)]))
    assert torch.equal(torch.stack(shown), torch.stack(expected))
    latest = [both[1, 0, 0, 0].item() for both in expected]
    assert latest != pytest.approx([step / 20 for step in range(12)])


def test_running_mean_follows_the_translating_generator_slowly(small):
    model = new_model(small, ema=0.75)
    start = snapshot(model.averaged)
    model.step(new_batch())
    now, mean = snapshot(model.translating), snapshot(model.averaged)
    for name, value in start.items():
        torch.testing.assert_close(mean[name], 0.75 * value + 0.25 * now[name])
    assert len(moved(start, model.averaged)) > 0


def test_bfloat16_losses_agree_with_float32(small):
    exact, coarse = (
        new_model(small).step(new_batch()),
        new_model(small, "bfloat16").step(new_batch()),
    )
    assert exact["cycle"].item() != coarse["cycle"].item()
    for name, value in exact.items():
        assert coarse[name].item() == pytest.approx(value.item(), rel=0.05)


@pytest.fixture
def aware(small):
    """With a segmenter that waits for two of four steps."""
    settings = {"weight": 10, "warm_up": 0.5, "channels": 4, "levels": 1}
    return CycleGANConfig.model_validate(
        small.model_dump() | {"segmentation": settings, "iterations": 4}
    )


def test_the_segmenter_learns_at_once_and_moves_the_generators_after_its_warm_up(small, aware):
    plain, guided = new_model(small), new_model(aware, structures=1)
    torch.manual_seed(1)
    for name, value in plain.state_dict().items():
        guided.state_dict()[name].copy_(value)

    def alike():
        ours = guided.state_dict()
        return all(torch.equal(value, ours[name]) for name, value in plain.state_dict().items())

    for step in range(3):
        before = snapshot(guided.segmentation)
        batch = new_batch(step, labelled=True)
        plain.step(batch)
        assert guided.step(batch)["segmentation"] > 0
        assert moved(before, guided.segmentation)
        assert alike() == (step < 2)


@pytest.mark.parametrize("done", [1, 4])
def test_restored_training_goes_on_to_the_same_bits(aware, tmp_path, done):
    # After one step the pool of three is partly filled and the segmenter waits; after four
    # neither is so.
    path = tmp_path / "checkpoint.safetensors"
    straight = new_model(aware, structures=1, ema=0.9)
    for step in range(done):
        straight.step(new_batch(step, labelled=True))
    checkpoint.write(path, straight.tensors(), {"kind": "test"})
    torch.manual_seed(99)
    resumed = CycleGANModel(straight.config, Runtime.single(), structures=1)
    resumed.restore(checkpoint.read(path, "test")[0], path)
    for step in range(done, done + 4):
        batch = new_batch(step, labelled=True)
        losses, again = straight.step(batch), resumed.step(batch)
        assert {k: v.item() for k, v in losses.items()} == {k: v.item() for k, v in again.items()}
    ours, theirs = straight.tensors(), resumed.tensors()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_training_is_a_function_of_the_seed(small):
    def after(seed):
        model = new_model(small, seed=seed)
        state = torch.random.get_rng_state()
        for step in range(5):
            model.step(new_batch(step))
        assert torch.equal(torch.random.get_rng_state(), state)
        return model.state_dict()["source.discriminator.layers.0.weight"]

    assert torch.equal(after(1), after(1))
    assert not torch.equal(after(1), after(2))


def test_weights_of_other_sizes_are_an_error_that_names_the_file(small, tmp_path):
    tensors = new_model(small).tensors()
    with pytest.raises(DataError, match=r"other\.safetensors"):
        new_model(small, channels=5).restore(tensors, tmp_path / "other.safetensors")


def test_both_contrasts_choose_independently(small):
    pools = new_model(small).pools
    assert pools["source"].stream != pools["target"].stream


def test_without_a_pool_nothing_is_kept(small):
    model = new_model(small, pool=0)
    model.step(new_batch())
    assert not any("replay" in name for name in model.tensors())


# Processes


def five_steps(fabric):
    """What a process's share of batches of two comes to, in few numbers: spawned processes
    give back no more than a pipe takes."""
    runtime = Runtime(fabric)
    config = CycleGANConfig(channels=4, blocks=1, stages=1, pool=3, crop=SIDE)
    torch.manual_seed(0)
    model = CycleGANModel(config, runtime)
    for step in range(5):
        whole = new_batch(step)
        source, target = runtime.share(whole.source), runtime.share(whole.target)
        model.step(Batch(source, target, labels=None, step=step, rate=1.0))
    with torch.no_grad():
        translated = model.translating(new_batch(7).source[:1])
    stored = torch.stack(model.pools["target"].images)
    return [images[..., ::4, ::4].flatten().tolist() for images in (translated, stored)]


@pytest.mark.slow
def test_two_processes_train_as_one_does_with_the_same_batches():
    alone = five_steps(new_fabric("cpu", "float32"))
    shared = new_fabric("cpu", "float32", processes=2).launch(five_steps)
    for ours, theirs in zip(shared, alone, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-3)


# Settings


def test_defaults_are_the_publications():
    config = CycleGANConfig()
    assert (config.channels, config.blocks, config.downsampling, config.stages) == (64, 9, 2, 3)
    assert (config.cycle_weight, config.identity, config.pool) == (10, 0.5, 50)
    assert (config.learning_rate, config.betas, config.weight_decay) == (2e-4, (0.5, 0.999), 0)
    assert (config.batch_size, config.upsampling, config.ema) == (1, "transposed", 0)
    assert (config.iterations, config.crop, config.flip) == (200_000, 256, "left-right")
    assert config.resize == pytest.approx(30 / 256)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crop": 50}, "crop 50 is no multiple of 4, the generators' reduction: use 48"),
        ({"crop": 16}, "crop of at least 24, or fewer stages"),
        ({"stages": 4}, "less than or equal to 3"),
    ],
)
def test_settings_that_do_not_fit_are_errors_with_a_remedy(settings, message):
    with pytest.raises(ValidationError, match=message):
        CycleGANConfig(**settings)


@pytest.mark.parametrize(
    ("downsampling", "stages", "crop"), [(2, 3, 24), (1, 3, 24), (1, 2, 14), (2, 1, 12)]
)
def test_the_smallest_crops_train(small, downsampling, stages, crop):
    changes = {"downsampling": downsampling, "stages": stages, "crop": crop}
    config = CycleGANConfig.model_validate(small.model_dump() | changes)
    images = torch.rand(2, 1, 1, crop, crop) * 2 - 1
    losses = new_model(config).step(Batch(*images, labels=None, step=0, rate=1.0))
    assert all(value.isfinite() for value in losses.values())


def test_the_configuration_imports_no_torch():
    code = "import sys, past_gan.cyclegan.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
