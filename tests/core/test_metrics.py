"""Dice and ASSD against values worked out by hand, and their rules for empty masks."""

from __future__ import annotations

import builtins
import math
import sys

import numpy as np
import pytest
from scipy import ndimage

from past_core import ConfigError, Labels, PluginError
from past_core.plugins import Registry

LABELS = Labels(("vs", "cochlea"))
SHAPE = (11, 21, 31)
SPACING = (0.5, 1.0, 2.0)


@pytest.fixture(scope="module")
def registry():
    return Registry()


@pytest.fixture
def metric(registry):
    def metric(name, **values):
        return registry.create("metric", name, registry.config("metric", name, values, "metric"))

    return metric


def box(value, *bounds):
    array = np.zeros(SHAPE, np.uint8)
    array[bounds] = value
    return array


def plane(i):
    """One sheet of voxels across axis 0: its surface is all of it."""
    return box(1, slice(i, i + 1))


def test_dice_is_twice_the_intersection_over_the_sum(metric):
    prediction = box(1, slice(0, 4), slice(0, 2), slice(0, 2))  # 16 voxels
    reference = box(1, slice(1, 3), slice(0, 2), slice(0, 1))  # 4 voxels, all inside
    assert metric("dice")(prediction, reference, SPACING, LABELS)["vs"] == pytest.approx(8 / 20)


def test_dice_scores_each_structure_by_itself(metric):
    prediction = box(1, slice(0, 4)) + box(2, slice(6, 8))
    reference = box(1, slice(0, 4)) + box(2, slice(7, 9))
    found = metric("dice")(prediction, reference, SPACING, LABELS)
    assert found == {"vs": 1.0, "cochlea": 0.5}


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"),
    [
        (box(0), box(0), 1.0),
        (box(1, slice(0, 2)), box(0), 0.0),
        (box(0), box(1, slice(0, 2)), 0.0),
    ],
)
def test_dice_of_empty_masks(metric, prediction, reference, expected):
    assert metric("dice")(prediction, reference, SPACING, LABELS)["vs"] == expected


def test_assd_of_equal_masks_is_zero(metric):
    mask = box(1, slice(2, 6), slice(3, 9), slice(4, 8))
    assert metric("assd")(mask, mask, SPACING, LABELS)["vs"] == 0.0


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_assd_of_parallel_planes_is_their_distance_in_millimetres(metric, axis):
    first, second = [slice(None)] * 3, [slice(None)] * 3
    first[axis], second[axis] = slice(2, 3), slice(7, 8)
    found = metric("assd")(box(1, *first), box(1, *second), SPACING, LABELS)
    assert found["vs"] == pytest.approx(5 * SPACING[axis])


def test_assd_counts_the_surface_at_the_image_border(metric):
    found = metric("assd")(plane(0), plane(SHAPE[0] - 1), SPACING, LABELS)
    assert found["vs"] == pytest.approx(0.5 * (SHAPE[0] - 1))


def two_against_one():
    """Two sheets predicted, one of them right: 4 mm away, the other is at 0."""
    return plane(1) + plane(9), plane(1)


def test_pooled_assd_averages_over_all_surface_voxels(metric):
    prediction, reference = two_against_one()
    # distances: 0 (right sheet), 4 (wrong sheet), 0 (reference sheet), all of one size
    assert metric("assd")(prediction, reference, SPACING, LABELS)["vs"] == pytest.approx(4 / 3)


def test_directed_assd_averages_the_two_one_way_means(metric):
    prediction, reference = two_against_one()
    found = metric("assd", form="directed")(prediction, reference, SPACING, LABELS)
    assert found["vs"] == pytest.approx((2 + 0) / 2)


@pytest.mark.parametrize("form", ["pooled", "directed"])
def test_assd_equals_the_definition_written_out(metric, form):
    """Distances between all pairs of surface voxels, in mm, on two blobs of noise."""
    noise = np.random.default_rng(3).normal(size=(2, *SHAPE))
    one, other = (ndimage.gaussian_filter(n, 1.5) > 0.05 for n in noise)
    surfaces = [np.argwhere(m & ~ndimage.binary_erosion(m)) * SPACING for m in (one, other)]
    apart = np.linalg.norm(surfaces[0][:, None] - surfaces[1][None], axis=-1)
    there, back = apart.min(axis=1), apart.min(axis=0)
    expected = {
        "pooled": np.concatenate([there, back]).mean(),
        "directed": (there.mean() + back.mean()) / 2,
    }
    assert abs(expected["pooled"] - expected["directed"]) > 1e-3
    found = metric("assd", form=form)(*(m.astype(np.uint8) for m in (one, other)), SPACING, LABELS)
    assert found["vs"] == pytest.approx(expected[form], rel=1e-5)


@pytest.mark.parametrize("form", ["pooled", "directed"])
def test_assd_is_symmetric(metric, form):
    generator = np.random.default_rng(0)
    one, other = (generator.integers(0, 2, SHAPE).astype(np.uint8) for _ in range(2))
    assd = metric("assd", form=form)
    there, back = (assd(*pair, SPACING, LABELS)["vs"] for pair in ((one, other), (other, one)))
    assert there == pytest.approx(back, rel=1e-6)
    assert there > 0


def test_assd_is_undefined_where_both_masks_are_empty(metric):
    assert math.isnan(metric("assd")(box(0), box(0), SPACING, LABELS)["vs"])


@pytest.mark.parametrize("swap", [False, True])
def test_assd_of_one_empty_mask_is_the_image_diagonal(metric, swap):
    pair = [box(0), plane(3)]
    if swap:
        pair.reverse()
    found = metric("assd")(*pair, SPACING, LABELS)["vs"]
    assert found == pytest.approx(math.hypot(10 * 0.5, 20 * 1.0, 30 * 2.0))


def test_assd_never_exceeds_the_diagonal_it_charges_for_an_empty_mask(metric):
    one, other = box(0), box(0)
    one[0, 0, 0], other[-1, -1, -1] = 1, 1
    apart = metric("assd")(one, other, SPACING, LABELS)["vs"]
    assert apart == pytest.approx(metric("assd")(one, box(0), SPACING, LABELS)["vs"], rel=1e-6)


def test_assd_of_one_empty_mask_can_be_a_number_or_left_out(metric):
    assert metric("assd", empty=350)(box(0), plane(3), SPACING, LABELS)["vs"] == 350
    assert math.isnan(metric("assd", empty="nan")(box(0), plane(3), SPACING, LABELS)["vs"])


@pytest.mark.parametrize("empty", [-1, "infinite"])
def test_a_wrong_penalty_is_refused(metric, empty):
    with pytest.raises(ConfigError, match=r"metric\.empty"):
        metric("assd", empty=empty)


@pytest.mark.parametrize("name", ["dice", "assd"])
def test_without_the_extra_the_error_says_what_to_install(monkeypatch, registry, name):
    real = builtins.__import__

    def no_monai(module, *rest, **named):
        if module.split(".")[0] == "monai":
            raise ModuleNotFoundError("No module named 'monai'")
        return real(module, *rest, **named)

    monkeypatch.delitem(sys.modules, f"past_core.metrics.{name}", raising=False)
    monkeypatch.setattr(builtins, "__import__", no_monai)
    with pytest.raises(PluginError, match=r"monai.*pip install 'past-core\[metrics\]'"):
        registry.factory("metric", name)
