"""Sizes that a GAN plans from the slices it is to translate."""

import json

import numpy as np
import pytest

from past_core.case import Domain
from past_core.config import parse_config
from past_core.errors import ConfigError
from past_core.interfaces import Context
from past_gan.cut.config import CUTConfig
from past_gan.cyclegan.config import CycleGANConfig
from past_gan.data.cache import Stack
from past_gan.nicegan.config import NiceGANConfig
from past_gan.nicegan.gan import BoundNiceGAN
from past_gan.nicegan.translator import NiceGAN
from past_gan.sizes import Slices
from past_gan.slicewise.planning import measure_slices
from tests.gan.conftest import BRIGHT, give_label, smooth_case

AUTO = {"crop": "auto", "batch_size": "auto", "downsampling": "auto"}
WIDE, NARROW = 20.0, 4.0


def slices(height, width, structure=WIDE):
    return Slices(height, width, (1.0, 1.0), 100, structure)


@pytest.mark.parametrize(
    ("shown", "effort", "planned", "heads", "stages"),
    [
        # As published, from what was published: 256 pixels, 1/4 resolution, one image.
        (slices(256, 256), 4096, (256, 1, 2), (1, 3), 3),
        # Large slices: as much of one as the effort allows.
        (slices(116, 205), 576, (96, 1, 2), (0, 2), 3),
        (slices(448, 448), 576, (96, 1, 2), (0, 2), 3),
        # Narrow structures: half the reduction, so half the side at the same effort.
        (slices(116, 205, NARROW), 576, (48, 1, 1), (0, 2), 2),
        # Small slices: all of one, and several of them; without labels by their size.
        (slices(42, 56, NARROW), 1152, (48, 2, 1), (0, 2), 2),
        (slices(42, 56, None), 1152, (48, 2, 1), (0, 2), 2),
        (slices(100, 100, None), 576, (96, 1, 2), (0, 2), 3),
        (slices(9, 12, NARROW), 256, (16, 4, 1), (0,), 1),
    ],
)
def test_what_is_planned(shown, effort, planned, heads, stages):
    nicegan = NiceGANConfig(**AUTO, heads="auto", effort=effort).planned(shown)
    assert (nicegan.sizes, nicegan.heads) == (planned, heads)
    for kind in (CycleGANConfig, CUTConfig):
        residual = kind(**AUTO, stages="auto", effort=effort).planned(shown)
        assert (residual.sizes, residual.stages) == (planned, stages)


def test_what_is_set_stays_and_the_rest_follows_it():
    shown = slices(116, 205)
    config = NiceGANConfig(**AUTO, heads=(2,), effort=1152)
    assert config.planned(shown).heads == (2,)
    small = config.model_copy(update={"crop": 48}).planned(shown)
    assert small.sizes == (48, 8, 2)
    deep = config.model_copy(update={"downsampling": 1}).planned(shown)
    assert deep.sizes == (64, 1, 1)
    shared = config.model_copy(update={"processes": 2}).planned(shown)
    assert shared.sizes == (128, 2, 2)
    assert NiceGANConfig().planned(shown) == NiceGANConfig()


@pytest.mark.parametrize(("crop", "fits"), [(96, True), (112, True), (116, False), (512, False)])
def test_patches_that_are_mostly_padding_are_refused(crop, fits):
    config = NiceGANConfig(crop=crop)
    if fits:
        assert config.planned(slices(42, 56)).sizes.crop == crop
        return
    with pytest.raises(ConfigError, match=f"crop: patches of {crop} pixels .* 42 x 56.* or 112 at"):
        config.planned(slices(42, 56))


def test_a_set_size_that_the_planned_ones_do_not_suit_is_an_error():
    config = NiceGANConfig(crop=50, downsampling="auto")
    with pytest.raises(ConfigError, match=r"planned.*crop must be a multiple of 4"):
        config.planned(slices(116, 205))


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"crop": 5}, r"^translator\.crop: .*12, or 'auto', got 5\.$"),
        ({"crop": "auto", "decoder": "full"}, "set crop to that of the slices"),
        ({"effort": 1}, "64"),
    ],
)
def test_impossible_settings_are_explained(values, complaint):
    with pytest.raises(ConfigError, match=complaint):
        parse_config(NiceGANConfig, values, where="translator")


def test_nothing_is_built_before_sizes_are_planned():
    with pytest.raises(RuntimeError, match="planned first"):
        BoundNiceGAN(NiceGANConfig(**AUTO)).network()


def test_the_narrowest_structure_counts_and_values_without_a_name_do_not():
    labels = np.zeros((3, 20, 20), np.uint8)
    labels[0, :8, :8], labels[1, :3, :3], labels[2, 0, 0] = 1, 2, 3
    stack = Stack(np.zeros((3, 20, 20), np.float32), labels)
    bare = Stack(np.zeros((5, 10, 16), np.float32), None)
    assert measure_slices([stack], [bare], 1).structure == pytest.approx(16 / np.sqrt(np.pi))
    assert measure_slices([stack], [bare], 2).structure == pytest.approx(6 / np.sqrt(np.pi))
    alone = measure_slices([bare], [bare], 2)
    assert (alone.height, alone.width, alone.count, alone.structure) == (10, 16, 10, None)


def labelled_case(folder, domain, shape, side, seed):
    """A case whose label is a square of ``side`` pixels in its middle slices."""
    case = smooth_case(folder, domain, shape=shape, seed=seed)
    label = np.zeros(shape, np.uint8)
    label[4 : 4 + side, 4 : 4 + side, 1:3] = 1
    give_label(case, label)
    return case


@pytest.mark.parametrize(("side", "sizes"), [(4, (32, 1, 1)), (14, (64, 1, 2))])
def test_a_training_plans_from_its_scans_and_keeps_what_it_planned(tiny, tmp_path, side, sizes):
    source = [labelled_case(tmp_path, Domain.SOURCE, (70, 66, 4), side, n) for n in range(2)]
    target = [smooth_case(tmp_path, Domain.TARGET, (68, 68, 4), seed=n) for n in range(2)]
    config = tiny.model_copy(update=AUTO | {"heads": "auto", "effort": 256, "iterations": 2})
    context = Context(tmp_path / "fit", seed=0)
    translator = NiceGAN(config)
    translator.fit(source, target, BRIGHT, context)
    assert translator.gan.config.sizes == sizes
    plan = json.loads((context.record / "plan.json").read_text())
    assert plan["slices"] == {
        "height": 69.0,
        "width": 67.0,
        "spacing": [1.0, 1.0],
        "count": 16,
        "structure": pytest.approx(2 * side / np.sqrt(np.pi)),
    }
    assert plan["settings"]["crop"] == sizes[0]
    assert f"patches of {sizes[0]} pixels, 1 a step, of slices of 69 x 67" in plan["said"]
    saved = tmp_path / "saved"
    saved.mkdir()
    translator.save(saved)
    assert NiceGAN.load(saved).gan.config == translator.gan.config
