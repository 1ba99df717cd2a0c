"""Metrics against values worked out by hand and other tools, and their rules for empty masks."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from medpy.metric import binary as medpy
from monai.metrics.surface_dice import compute_surface_dice
from monai.metrics.surface_distance import compute_average_surface_distance
from scipy import ndimage

from past_core import ConfigError, Labels, Volume
from past_core.masks import Masks, masks_of
from past_core.metrics.choice import create_metrics
from past_core.metrics.official import official
from past_core.plugins import Registry
from past_core.surfaces import surface_distances

LABELS = Labels(("vs", "cochlea"))
SHAPE = (11, 21, 31)
SPACING = (0.5, 1.0, 2.0)


@pytest.fixture(scope="module")
def registry():
    return Registry()


@pytest.fixture
def metric(registry):
    def metric(name, **values):
        made = registry.create("metric", name, registry.config("metric", name, values, "metric"))

        def of(prediction, reference, spacing=SPACING, labels=LABELS):
            affine = np.diag([*spacing, 1.0])
            volumes = (Volume(data, affine) for data in (prediction, reference))
            return {masks.structure: made(masks) for masks in masks_of(*volumes, labels)}

        return of

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


def blobs(seed, count=2):
    """Masks of noise, whose surfaces are large and ragged."""
    noise = np.random.default_rng(seed).normal(size=(count, *SHAPE))
    return [ndimage.gaussian_filter(n, 1.2) > 0.1 for n in noise]


@pytest.mark.parametrize("seed", range(4))
def test_what_medpy_and_monai_find_in_the_same_masks(metric, seed):
    one, other = blobs(seed)
    other = np.asfortranarray(other)  # as it comes from a file
    values = {
        name: metric(name, **settings)(one.astype(np.uint8), other.astype(np.uint8))["vs"]
        for name, settings in (("dice", {}), ("assd", {}), ("hd95", {}), ("surface-dice", {}))
    }
    directed = metric("assd", form="directed")(one.astype(np.uint8), other.astype(np.uint8))["vs"]
    spacing = {"voxelspacing": SPACING}
    assert values["dice"] == pytest.approx(medpy.dc(one, other), rel=1e-12)
    assert values["assd"] == pytest.approx(medpy.assd(one, other, **spacing), rel=1e-12)
    assert values["hd95"] == pytest.approx(medpy.hd95(one, other, **spacing), rel=1e-12)
    ways = (medpy.asd(one, other, **spacing), medpy.asd(other, one, **spacing))
    assert directed == pytest.approx(sum(ways) / 2, rel=1e-12)
    assert abs(directed - values["assd"]) > 1e-6

    tensors = [torch.from_numpy(mask)[None, None] for mask in (one, other)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assd = compute_average_surface_distance(
            *tensors, include_background=True, symmetric=True, spacing=list(SPACING)
        )
        dice = compute_surface_dice(
            *tensors, class_thresholds=[1.0], include_background=True, spacing=list(SPACING)
        )
    assert values["assd"] == pytest.approx(float(assd), rel=1e-5)
    assert values["surface-dice"] == pytest.approx(float(dice), rel=1e-5)


def test_hd95_is_the_percentile_of_both_ways_together(metric):
    prediction, reference = two_against_one()  # a third of all surface voxels is 4 mm away
    for percentile, expected in ((60, 0.0), (70, 4.0), (100, 4.0)):
        found = metric("hd95", percentile=percentile)(prediction, reference)
        assert found["vs"] == pytest.approx(expected)


@pytest.mark.parametrize("name", ["assd", "hd95"])
def test_distances_of_empty_masks(metric, name):
    assert math.isnan(metric(name)(box(0), box(0))["vs"])
    diagonal = math.hypot(10 * 0.5, 20 * 1.0, 30 * 2.0)
    assert metric(name)(plane(3), box(0))["vs"] == pytest.approx(diagonal)
    assert metric(name, empty=350)(box(0), plane(3))["vs"] == 350


def test_surface_dice_has_a_tolerance_for_each_structure(metric):
    prediction = plane(2) + 2 * box(1, slice(6, 7))
    reference = plane(4) + 2 * box(1, slice(8, 9))
    for settings, expected in (
        ({"tolerance": 0.9}, {"vs": 0.0, "cochlea": 0.0}),
        ({"tolerance": 1.0}, {"vs": 1.0, "cochlea": 1.0}),  # the two sheets are 1 mm apart
        ({"tolerance": 0.9, "tolerances": {"cochlea": 1}}, {"vs": 0.0, "cochlea": 1.0}),
    ):
        assert metric("surface-dice", **settings)(prediction, reference) == expected


@pytest.mark.parametrize("name", ["surface-dice", "lesion-f1"])
def test_portions_of_empty_masks(metric, name):
    assert metric(name)(box(0), box(0))["vs"] == 1
    assert metric(name)(plane(3), box(0))["vs"] == 0
    assert metric(name)(box(0), plane(3))["vs"] == 0


@pytest.mark.parametrize(
    ("form", "expected"), [("absolute", 0.018), ("signed", -0.018), ("relative", 0.75)]
)
def test_volume_error(metric, form, expected):
    """6 of 24 voxels of 1 mm³."""
    prediction, reference = box(1, 0, 0, slice(0, 6)), box(1, 0, 0, slice(0, 24))
    found = metric("volume-error", form=form)(prediction, reference, (1.0, 1.0, 1.0))
    assert found["vs"] == pytest.approx(expected)


def test_relative_error_of_what_is_not_there_is_undefined(metric):
    assert math.isnan(metric("volume-error", form="relative")(plane(2), box(0))["vs"])
    assert metric("volume-error")(box(0), box(0))["vs"] == 0


def pieces(*starts):
    """Cubes of 8 voxels (8 mm³) at these places along the last axis."""
    mask = box(0)
    for start in starts:
        mask[4:6, 4:6, start : start + 2] = 1
    return mask


def test_lesions_are_counted_by_pieces(metric):
    reference = pieces(0, 5, 10, 15)
    prediction = pieces(0, 6, 20)  # found; found by half; no such piece
    sensitivity, precision = 2 / 4, 2 / 3
    expected = 2 * sensitivity * precision / (sensitivity + precision)
    assert metric("lesion-f1")(prediction, reference)["vs"] == pytest.approx(expected)
    strict = metric("lesion-f1", overlap=0.5)(prediction, reference)["vs"]
    assert strict == pytest.approx(2 * (1 / 4) * (1 / 3) / (1 / 4 + 1 / 3))


def test_pieces_that_touch_at_a_corner_are_one(metric):
    reference = box(1, slice(0, 2), slice(0, 2), slice(0, 2)) + box(
        1, slice(2, 4), slice(2, 4), slice(2, 4)
    )
    prediction = box(1, slice(0, 2), slice(0, 2), slice(0, 2))
    assert metric("lesion-f1")(prediction, reference)["vs"] == 1


def test_specks_can_be_left_out(metric):
    reference, prediction = pieces(0), pieces(0)
    prediction[9, 9, 9] = 1  # 1 mm³
    assert metric("lesion-f1")(prediction, reference)["vs"] == pytest.approx(2 / 3)
    assert metric("lesion-f1", smallest=2)(prediction, reference)["vs"] == 1


def test_a_stray_voxel_costs_no_distance_map():
    """Finds a search over all voxels between: that would take gigabytes."""
    one = np.zeros((1500, 1500, 100), bool)
    one[5:9, 5:9, 5:9] = True
    other = one.copy()
    other[1490, 1490, 90] = True
    found = surface_distances(other, one, (1.0, 1.0, 1.0))
    assert found.there.max() == pytest.approx(math.dist((1490, 1490, 90), (8, 8, 8)))
    assert found.back.max() == 0


def test_distances_are_computed_once_for_all_metrics(monkeypatch):
    calls = []
    monkeypatch.setattr(
        "past_core.masks.surface_distances",
        lambda *given: calls.append(given[2]) or surface_distances(*given),
    )
    masks = Masks("vs", plane(2) > 0, plane(4) > 0, np.diag([*SPACING, 1.0]))
    for metric in create_metrics(Registry(), ("assd", "hd95", "surface-dice"), {}).values():
        metric(masks)
    assert calls == [SPACING]


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_crossmoda_is_scored_as_its_organisers_do(version):
    """By medpy, voxel sizes off the affine's diagonal, here of a scan that lies oblique."""
    rules = official(f"crossmoda-medpy{version}")
    metrics = create_metrics(Registry(), rules, rules)
    turned = np.array([[0.4, -0.3, 0, 0], [0.3, 0.4, 0, 0], [0, 0, -1.5, 0], [0, 0, 0, 1.0]])
    one, other = blobs(7)
    values = {name: metric(Masks("vs", one, other, turned)) for name, metric in metrics.items()}
    sizes = {"voxelspacing": (0.4, 0.4, 1.5)}
    ways = (medpy.asd(one, other, **sizes), medpy.asd(other, one, **sizes))
    expected = sum(ways) / 2 if version == "0.4" else medpy.assd(one, other, **sizes)
    assert values["assd"] == pytest.approx(expected, rel=1e-12)
    assert values["dice"] == pytest.approx(medpy.dc(one, other), rel=1e-12)
    empty = np.zeros_like(one)
    missed = {name: metric(Masks("vs", empty, other, turned)) for name, metric in metrics.items()}
    assert missed == {"dice": 0.0, "assd": 350.0}
    both = metrics["dice"](Masks("vs", empty, empty, turned))
    assert both == (0.0 if version == "0.4" else 1.0)


def test_an_unknown_scoring_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match=r"--scoring crossmoda: .*crossmoda-medpy0.4"):
        official("crossmoda")
