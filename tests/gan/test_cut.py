"""CUT: its contrastive loss, the layers it compares, its steps."""

import json
import math
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from torch import nn

from past_core.interfaces import Context
from past_gan.config import QualityConfig
from past_gan.cut.config import CUTConfig
from past_gan.cut.networks import SplitGenerator
from past_gan.cut.patch_nce import Projections, draw_positions, patch_nce
from past_gan.cut.steps import CUTModel
from past_gan.cut.translator import CUT
from past_gan.cyclegan.networks import Generator
from past_gan.cyclegan.normalization import InstanceNorm
from past_gan.data.batch import Batch
from past_gan.data.cache import Stack
from past_gan.data.patches import PatchSampler
from past_gan.training import checkpoint
from past_gan.training.runtime import Runtime
from past_gan.training.watch import TrainingError, Watch
from tests.gan.conftest import BRIGHT
from tests.gan.stepping import SIDE, moved, new_batch, snapshot


@pytest.fixture
def small():
    """The smallest networks with every kind of layer."""
    return CUTConfig(
        channels=4,
        blocks=3,
        stages=2,
        positions=20,
        features=8,
        crop=SIDE,
        batch_size=2,
        learning_rate=1e-3,
        iterations=8,
        checkpoint_interval=4,
        precision="float32",
        quality=QualityConfig(cases=0),
    )


def new_model(config, precision="float32", structures=0, seed=0, **changes):
    torch.manual_seed(0)
    config = config.model_copy(update=changes)
    return CUTModel(config, Runtime.single("cpu", precision), structures, seed)


def weights(names, *parts):
    # Biases before a norm have no effect: their gradients are zero up to rounding.
    return {name for name in names if name.startswith(parts) and name.endswith("weight")}


def units(*shape, seed=0):
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return drawn / drawn.norm(dim=-1, keepdim=True)


# The loss


def test_patch_nce_is_its_formula():
    query, keys = units(2, 5, 3), units(2, 5, 3, seed=1)
    expected = []
    for v, u in zip(query.tolist(), keys.tolist(), strict=True):
        losses = []
        for s in range(5):
            e = [
                math.exp(sum(a * b for a, b in zip(v[s], u[t], strict=True)) / 0.3)
                for t in range(5)
            ]
            losses.append(-math.log(e[s] / sum(e)))
        expected.append(sum(losses) / 5)
    assert patch_nce(query, keys, 0.3).tolist() == pytest.approx(expected, rel=1e-5)


def test_recognised_positions_cost_little_and_confused_ones_much():
    keys = units(2, 64, 16)
    shuffled = keys[:, torch.randperm(64, generator=torch.Generator().manual_seed(0))]
    assert patch_nce(keys, keys).max() < 0.1
    assert patch_nce(shuffled, keys).min() > math.log(64)
    alike = keys[:, :1].expand(-1, 64, -1)
    assert patch_nce(alike, alike).tolist() == pytest.approx([math.log(64)] * 2)


def test_negatives_are_of_the_same_image_only():
    query, keys = units(2, 6, 4), units(2, 6, 4, seed=1)
    both = patch_nce(query, keys)
    for n in range(2):
        torch.testing.assert_close(patch_nce(query[n : n + 1], keys[n : n + 1]), both[n : n + 1])


def test_heads_and_loss_are_float32_under_autocast():
    torch.manual_seed(0)
    heads, layers = Projections([3], 32), [torch.randn(1, 3, 4, 4)]
    everywhere = [torch.arange(16)]

    def loss():
        (query,) = heads(layers, everywhere)
        return patch_nce(query, query.roll(1, 1))

    with torch.autocast("cpu", torch.bfloat16):
        mixed = loss()
    assert torch.equal(mixed, loss())


def test_projections_are_the_heads_of_single_pixels_at_unit_length():
    torch.manual_seed(0)
    heads = Projections([1, 3], 32)
    layers = [torch.randn(2, 1, 4, 5), torch.randn(2, 3, 2, 2)]
    positions = [torch.tensor([7, 0]), torch.tensor([3, 1, 2])]
    projected = heads(layers, positions)
    for head, layer, chosen, found in zip(heads.heads, layers, positions, projected, strict=True):
        assert found.shape == (2, len(chosen), 32)
        torch.testing.assert_close(found.norm(dim=2), torch.ones(2, len(chosen)))
        for place, where in enumerate(chosen.tolist()):
            row, column = divmod(where, layer.shape[3])
            first, _, second = head
            hidden = (layer[:, :, row, column] @ first.weight.T + first.bias).clamp_min(0)
            raw = hidden @ second.weight.T + second.bias
            expected = raw / raw.norm(dim=1, keepdim=True)
            torch.testing.assert_close(found[:, place], expected)


def test_a_grey_of_zero_has_finite_moderate_gradients():
    torch.manual_seed(0)
    heads = Projections([1], 8)
    grey = torch.zeros(1, 1, 4, 4)
    grey[..., 2:] = torch.rand(1, 1, 4, 2, generator=torch.Generator().manual_seed(0))
    (query,) = heads([grey], [torch.arange(16)])
    patch_nce(query, units(1, 16, 8)).sum().backward()
    for parameter in heads.parameters():
        assert parameter.grad.abs().max() < 1e5


# Positions


def test_positions_are_a_function_of_seed_and_step():
    layers = [torch.zeros(2, 1, 30, 30), torch.zeros(2, 4, 30, 30)]

    def drawn(seed, step):
        return [p.tolist() for p in draw_positions(layers, 50, seed=seed, step=step)]

    first, second = drawn(1, 2)
    assert first != second
    assert len(set(first)) == 50
    assert max(first) < 900
    assert drawn(1, 2) == [first, second]
    assert drawn(1, 3)[0] != first != drawn(2, 2)[0]
    one_image = [layer[:1] for layer in layers]
    assert draw_positions(one_image, 50, seed=1, step=2)[0].tolist() == first


def test_small_layers_give_all_their_positions():
    (drawn,) = draw_positions([torch.zeros(1, 1, 3, 5)], 256, seed=0, step=0)
    assert sorted(drawn.tolist()) == list(range(15))


# Networks


@pytest.mark.parametrize("upsampling", ["transposed", "resize"])
def test_a_split_generator_translates_as_the_whole_one_does(upsampling):
    torch.manual_seed(0)
    whole = Generator(1, 4, 3, 2, upsampling)
    images = torch.rand(2, 1, SIDE, SIDE) * 2 - 1
    expected = whole(images)
    split = SplitGenerator(whole)
    assert torch.equal(split(images), expected)
    assert sum(p.numel() for p in split.parameters()) == sum(p.numel() for p in whole.parameters())


def test_the_compared_layers_see_the_documented_numbers_of_pixels():
    torch.manual_seed(0)
    encoder = SplitGenerator(Generator(1, 2, 9)).encoder
    # Without norms, whose statistics see the whole image.
    for module in [m for m in encoder.modules() if isinstance(m, nn.Sequential)]:
        for name, child in module.named_children():
            if isinstance(child, InstanceNorm):
                setattr(module, name, nn.Identity())
    fields = []
    for place in range(5):
        image = torch.randn(1, 1, 160, 160, requires_grad=True)
        layer = encoder(image)[place]
        layer[0, :, layer.shape[2] // 2, layer.shape[3] // 2].sum().backward()
        touched = image.grad[0, 0].abs().sum(0).nonzero()
        fields.append(int(touched.max() - touched.min()) + 1)
    assert fields == [1, 9, 13, 29, 93]


@pytest.mark.parametrize(
    ("blocks", "downsampling", "passed", "sides"),
    [
        (9, 2, 5, [24, 12, 6, 6, 6]),
        (6, 2, 3, [24, 12, 6, 6, 6]),
        (4, 1, 2, [24, 12, 12, 12]),
        (2, 2, 1, [24, 12, 6, 6]),
        (0, 1, 0, [24, 12]),
    ],
)
def test_the_encoder_ends_with_the_middle_block(blocks, downsampling, passed, sides):
    encoder = SplitGenerator(Generator(1, 4, blocks, downsampling)).encoder
    layers = encoder(torch.rand(1, 1, SIDE, SIDE))
    assert [layer.shape[2] for layer in layers] == sides
    assert [layer.shape[1] for layer in layers] == encoder.widths
    assert sum("ResidualBlock" in type(m).__name__ for m in encoder.modules()) == passed


# Steps


def test_generator_step_moves_generator_and_heads_and_nothing_else(small):
    model, batch = new_model(small), new_batch()
    before = snapshot(model)
    model.generator_step(batch, model.translate(batch))
    names = moved(before, model)
    assert weights(names, "generator", "heads") == weights(before, "generator", "heads")
    assert weights(names, "generator.decoder", "heads.heads.0")
    assert all(name.startswith(("generator.", "heads.")) for name in names)
    assert all(p.requires_grad for p in model.parameters())
    assert all(p.grad is None for p in model.discriminators.parameters())


def test_discriminator_step_moves_the_discriminator_and_nothing_else(small):
    model, batch = new_model(small), new_batch()
    before = snapshot(model)
    model.discriminator_step(batch, model.translate(batch))
    names = moved(before, model)
    assert weights(names, "discriminator") == weights(before, "discriminator")
    assert all(name.startswith("discriminator.") for name in names)


def test_a_step_uses_the_schedules_rate_for_every_network(small):
    model, batch = new_model(small), new_batch()
    still = Batch(batch.source, batch.target, labels=None, step=0, rate=0.0)
    before = snapshot(model)
    model.step(still)
    assert moved(before, model) == set()
    model.step(batch)
    assert {name.partition(".")[0] for name in moved(before, model)} == {
        "generator",
        "discriminator",
        "heads",
    }


def contrastive(model, translated, original, step=0):
    """The loss by its definition: keys are constants, everything is computed anew."""
    encoder, config = model.generator.encoder, model.config
    queries, keys = encoder(translated), encoder(original.detach())
    positions = draw_positions(queries, config.positions, seed=model.seed, step=step)
    losses = []
    for query, key in zip(
        model.heads(queries, positions), model.heads(keys, positions), strict=True
    ):
        logits = torch.einsum("nqc,nkc->nqk", query, key.detach()) / config.temperature
        losses.append(-logits.log_softmax(2).diagonal(dim1=1, dim2=2).mean())
    return torch.stack(losses).mean()


def test_generator_loss_terms_and_gradients_are_the_publications(small):
    model, batch = new_model(small, nce_weight=3.0, identity_weight=0.7, seed=4), new_batch(5)
    x, y = batch.source, batch.target
    fake, same = model.generator(x), model.generator(y)
    expected = {
        "adversarial": ((model.discriminator(fake) - 1) ** 2).mean(),
        "nce": contrastive(model, fake, x, batch.step),
        "identity": contrastive(model, same, y, batch.step),
    }
    total = expected["adversarial"] + 3.0 * expected["nce"] + 0.7 * expected["identity"]
    parameters = [*model.generators.parameters(), *model.heads.parameters()]
    gradients = torch.autograd.grad(total, parameters)
    losses = model.generator_step(batch, model.translate(batch))
    assert set(losses) == set(expected)
    for name, value in expected.items():
        assert losses[name].item() == pytest.approx(value.item(), rel=1e-5)
        assert not losses[name].requires_grad
    for parameter, gradient in zip(parameters, gradients, strict=True):
        # Of biases before norms, only rounding is there to be compared.
        assert (parameter.grad - gradient).norm() < 1e-4 * gradient.norm() + 2e-4


def test_discriminator_loss_and_gradients_are_half_of_real_plus_translated(small):
    model, batch = new_model(small), new_batch()
    made = model.translate(batch)
    discriminator, fake = model.discriminator, model.generator(batch.source).detach()
    on_real, on_fake = discriminator(batch.target), discriminator(fake)
    loss = (((on_real - 1) ** 2).mean() + (on_fake**2).mean()) / 2
    expected = torch.autograd.grad(loss, list(discriminator.parameters()))
    found = model.discriminator_step(batch, made)
    assert found["discriminator"].item() == pytest.approx(loss.item(), rel=1e-5)
    for parameter, gradient in zip(discriminator.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, atol=1e-6, rtol=1e-4)


def test_the_generator_meets_the_discriminator_that_has_just_moved(small):
    model, batch = new_model(small), new_batch()
    with torch.no_grad():
        fake = model.generator(batch.source)
        before = ((model.discriminator(fake) - 1) ** 2).mean().item()
    losses = model.step(batch)
    with torch.no_grad():
        after = ((model.discriminator(fake) - 1) ** 2).mean().item()
    assert before != pytest.approx(after, rel=1e-4)
    assert losses["adversarial"].item() == pytest.approx(after, rel=1e-5)


def test_a_step_runs_the_encoder_twice_and_the_decoder_once(small):
    model, calls = new_model(small), []
    for part in (model.generator.encoder, model.generator.decoder):
        part.register_forward_hook(lambda m, i, o: calls.append(type(m).__name__))
    model.step(new_batch())
    assert calls == ["Encoder", "Decoder", "Encoder"]


def test_identity_and_mind_losses_are_optional(small):
    assert set(new_model(small).step(new_batch())) == {
        "discriminator",
        "adversarial",
        "nce",
        "identity",
    }
    plain = new_model(small, identity_weight=0.0, mind_weight=1.0).step(new_batch())
    assert set(plain) == {"discriminator", "adversarial", "nce", "mind"}


def test_the_segmenter_moves_beside_generator_and_heads(small):
    settings = {"weight": 10, "warm_up": 0, "channels": 4, "levels": 1}
    config = CUTConfig.model_validate(small.model_dump() | {"segmentation": settings})
    model = new_model(config, structures=1)
    before = snapshot(model)
    assert "segmentation" in model.step(new_batch(labelled=True))
    assert {name.partition(".")[0] for name in moved(before, model)} == {
        "generator",
        "discriminator",
        "heads",
        "segmentation",
    }


def test_gradients_of_a_batch_are_the_means_of_its_images(small):
    # So processes that share a batch train as one does.
    def gradients(batch):
        model = new_model(small)
        model.step(batch)
        return [p.grad for name, p in model.named_parameters() if name.startswith("heads")]

    whole = new_batch()
    halves = (
        Batch(source[None], target[None], labels=None, step=0, rate=0.0)
        for source, target in zip(whole.source, whole.target, strict=True)
    )
    whole = Batch(whole.source, whole.target, labels=None, step=0, rate=0.0)
    for both, first, second in zip(
        gradients(whole), *(gradients(half) for half in halves), strict=True
    ):
        torch.testing.assert_close(both, (first + second) / 2, atol=1e-5, rtol=1e-3)


def test_training_learns_to_recognise_positions(small):
    model = new_model(small)
    losses = [model.step(new_batch(step % 4))["nce"].item() for step in range(60)]
    by_chance = math.log(small.positions)
    assert losses[0] > by_chance
    assert np.mean(losses[-5:]) < 0.85 * by_chance


def test_bfloat16_agrees_with_float32_and_gives_the_heads_gradients(small):
    exact, coarse = new_model(small), new_model(small, "bfloat16")
    ours, theirs = exact.step(new_batch()), coarse.step(new_batch())
    assert ours["nce"].item() != theirs["nce"].item()
    for name, value in ours.items():
        assert theirs[name].item() == pytest.approx(value.item(), rel=0.05)
    assert all(p.grad.any() for p in coarse.heads.parameters())


def test_restored_training_goes_on_to_the_same_bits(small, tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    straight = new_model(small, ema=0.9)
    for step in range(2):
        straight.step(new_batch(step))
    checkpoint.write(path, straight.tensors(), {"kind": "test"})
    torch.manual_seed(99)
    resumed = CUTModel(straight.config, Runtime.single())
    resumed.restore(checkpoint.read(path, "test")[0], path)
    for step in range(2, 5):
        losses, again = straight.step(new_batch(step)), resumed.step(new_batch(step))
        assert {k: v.item() for k, v in losses.items()} == {k: v.item() for k, v in again.items()}
    ours, theirs = straight.tensors(), resumed.tensors()
    assert any(name.startswith("heads/") for name in ours)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_training_is_a_function_of_the_seed(small):
    def after(seed):
        model = new_model(small, seed=seed)
        state = torch.random.get_rng_state()
        for step in range(3):
            model.step(new_batch(step))
        assert torch.equal(torch.random.get_rng_state(), state)
        return torch.cat([p.flatten() for p in model.heads.parameters()])

    assert torch.equal(after(1), after(1))
    assert not torch.equal(after(1), after(2))


# Without a way back


def test_a_whole_training_previews_and_measures_without_a_way_back(small, labelled, tmp_path):
    config = small.model_copy(update={"quality": QualityConfig(cases=2, steps=2)})
    translator = CUT(config)
    translator.fit(*labelled, BRIGHT, Context(tmp_path, seed=3))
    panel = np.asarray(Image.open(tmp_path / "record" / "previews" / "0000008.png"))
    assert panel.shape == (3 * SIDE, 4 * SIDE)
    context = Context(tmp_path / "measure", seed=3)
    translator.measure(*labelled, BRIGHT, context)
    report = json.loads((context.record / "quality.json").read_text())
    assert report["translators"]["8"]["cycle"] is None
    assert report["translators"]["8"]["continuity"] > 0


def test_a_collapse_names_settings_that_there_are(small):
    model = new_model(small)
    with torch.no_grad():
        for parameter in model.generator.decoder.layers[-1].parameters():
            parameter.zero_()
    noise = np.random.default_rng(0).uniform(-1, 1, (4, SIDE, SIDE)).astype(np.float32)
    stack = Stack(noise, None)
    sampler = PatchSampler([stack], SIDE, 2, (), 0.0, 0, 0)
    with pytest.raises(TrainingError, match="raise nce_weight or identity_weight") as raised:
        Watch([sampler, sampler], small.iterations).look(model, small.iterations)
    named = re.findall(r"\w+_weight", str(raised.value))
    assert set(named) <= set(CUTConfig.model_fields)


# Settings


def test_defaults_are_the_publications():
    config = CUTConfig()
    assert (config.channels, config.blocks, config.downsampling, config.stages) == (64, 9, 2, 3)
    assert (config.nce_weight, config.identity_weight, config.temperature) == (1, 1, 0.07)
    assert (config.positions, config.features) == (256, 256)
    assert (config.learning_rate, config.betas, config.weight_decay) == (2e-4, (0.5, 0.999), 0)
    assert (config.iterations, config.batch_size, config.ema) == (400_000, 1, 0)
    assert config.upsampling == "transposed"
    model = CUTModel(config, Runtime.single())
    assert model.generator.encoder.widths == [1, 128, 256, 256, 256]
    assert dict(model.weights) == {"adversarial": 1, "nce": 1, "identity": 1}
    assert not any(pool.size for pool in model.pools.values())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crop": 50}, "crop 50 is no multiple of 4, the generators' reduction: use 48"),
        ({"crop": 16}, "crop of at least 24, or fewer stages"),
        ({"positions": 1}, "greater than or equal to 2"),
        ({"temperature": 0}, "greater than 0"),
        ({"cycle_weight": 10}, "cycle_weight"),
    ],
)
def test_settings_that_do_not_fit_are_errors(settings, message):
    with pytest.raises(ValidationError, match=message):
        CUTConfig(**settings)


@pytest.mark.parametrize(("downsampling", "crop", "slices"), [(2, 12, 1), (1, 14, 3)])
def test_the_smallest_crops_train_with_all_their_positions(small, downsampling, crop, slices):
    changes = {"downsampling": downsampling, "stages": 1, "crop": crop}
    changes |= {"positions": 256, "image_slices": slices}
    config = CUTConfig.model_validate(small.model_dump() | changes)
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 1, slices, crop, crop, generator=generator) * 2 - 1
    losses = new_model(config).step(Batch(*images, labels=None, step=0, rate=1.0))
    assert all(value.isfinite() for value in losses.values())


def test_the_configuration_imports_no_torch():
    code = "import sys, past_gan.cut.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
