"""Figures of a translator's quality, on small synthetic scans."""

import json
import math

import numpy as np
import pytest
import torch
from scipy import linalg, ndimage

from past_core.errors import DataError
from past_gan.quality.continuity import continuity, jump_ratio
from past_gan.quality.cycle import cycle_error
from past_gan.quality.features import DIMENSIONS, patch_features
from past_gan.quality.frechet import Gaussian, frechet_distance
from past_gan.quality.recovery import pooled_dice, recover_labels
from past_gan.quality.report import Quality, measure


def clouds(seed, shape=(6, 40, 36), count=3):
    """Smooth random scans in [0, 255] with a bright plane of air-like zeros at one side."""
    random = np.random.default_rng(seed)
    scans = []
    for _ in range(count):
        field = ndimage.gaussian_filter(random.standard_normal(shape), (1.5, 3, 3))
        scan = (field - field.min()) / np.ptp(field) * 255
        scan[:, :6] = 0
        scans.append(scan.astype(np.float32))
    return scans


def noisy(scans, strength):
    random = np.random.default_rng(7)
    return [np.clip(s + random.normal(0, strength, s.shape), 0, 255) for s in scans]


# Fréchet distance


def apart(x, y):
    """The samples in two parts, as they come from scans."""
    return frechet_distance(*(Gaussian.of([part[:3], part[3:]]) for part in (x, y)))


def test_frechet_distance_follows_the_closed_form():
    random = np.random.default_rng(0)
    x = random.standard_normal((400, 5)) @ random.standard_normal((5, 5))
    y = random.standard_normal((300, 5)) @ random.standard_normal((5, 5)) + 1
    cov_x, cov_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    mean = ((x.mean(0) - y.mean(0)) ** 2).sum()
    expected = mean + np.trace(cov_x + cov_y - 2 * np.real(linalg.sqrtm(cov_x @ cov_y)))
    assert apart(x, y) == pytest.approx(expected, rel=1e-9)


def test_frechet_distance_of_commuting_covariances():
    base = np.random.default_rng(0).standard_normal((50, 3))
    white = np.linalg.qr(base - base.mean(0))[0] * math.sqrt(49)
    distance = apart(white * [1, 2, 3], white * [4, 2, 1] + [0, 5, 0])
    assert distance == pytest.approx(25 + 9 + 0 + 4)


def test_covariances_of_low_rank_do_no_harm():
    x = np.random.default_rng(0).standard_normal((4, 30))
    assert apart(x, x) == pytest.approx(0, abs=1e-9)
    assert apart(x, x + 1) == pytest.approx(30)


@pytest.mark.parametrize("parts", [[], [np.zeros((1, 3))]])
def test_samples_that_give_no_covariance_are_refused(parts):
    with pytest.raises(DataError, match="covariance"):
        Gaussian.of(parts)


def looks_apart(*sets):
    return frechet_distance(*(Gaussian.of(patch_features(scans)) for scans in sets))


def test_frechet_distance_is_zero_for_one_set_and_symmetric():
    one, other = clouds(0), clouds(1, shape=(5, 36, 44))
    assert looks_apart(one, one) == pytest.approx(0, abs=1e-6)
    assert looks_apart(one, other) == pytest.approx(looks_apart(other, one), rel=1e-6)


@pytest.mark.parametrize("wrong", ["noise", "blur", "inversion", "speckle"])
def test_frechet_distance_grows_with_wrong_looks(wrong):
    real, like = clouds(0), clouds(1)
    changed = {
        "noise": lambda: [noisy(like, 10), noisy(like, 30)],
        "blur": lambda: [[ndimage.gaussian_filter(s, (0, b, b)) for s in like] for b in (1.5, 4)],
        "inversion": lambda: [[255 - s for s in like]],
        "speckle": lambda: [
            [np.where(np.indices(s.shape).sum(0) % 2, s, s * part) for s in like]
            for part in (0.9, 0.6)
        ],
    }[wrong]()
    distances = [looks_apart(scans, real) for scans in (like, *changed)]
    assert distances == sorted(distances)
    assert distances[-1] > 1.5 * distances[0]


def test_frechet_distance_ignores_brightness_and_gain_of_whole_scans():
    real, like = clouds(0), clouds(1)
    dark = [scan * 0.5 + 20 for scan in like]
    assert looks_apart(dark, real) == pytest.approx(looks_apart(like, real), rel=1e-3)


def test_features_are_of_patches_of_any_size_of_slice():
    scans = [np.zeros((2, 16, 24)), np.zeros((0, 16, 16)), np.ones((3, 5, 40))]
    shapes = [features.shape for features in patch_features(scans)]
    assert shapes == [(2 * 2, DIMENSIONS), (3 * 4, DIMENSIONS)]


def test_features_are_the_same_twice():
    once, again = (np.concatenate(list(patch_features(clouds(2)))) for _ in range(2))
    assert np.array_equal(once, again)


# Cycle error


def test_cycle_error_is_in_grey_levels():
    scans = [np.full((2, 3, 4), 100.0), np.full((1, 3, 4), 50.0)]
    assert cycle_error(scans, scans) == 0
    error = cycle_error(scans, (scan * 2 for scan in scans))
    assert error == pytest.approx((2 * 100 + 50) / 3)


def test_a_way_that_changes_the_shape_is_refused():
    with pytest.raises(DataError, match=r"\(2, 3, 4\)"):
        cycle_error([np.zeros((2, 3, 4))], [np.zeros((2, 2, 4))])
    with pytest.raises(DataError, match="without voxels"):
        cycle_error([], [])


# Continuity


def test_like_scans_are_alike_in_continuity():
    many = [clouds(seed, (16, 48, 44), count=5) for seed in (0, 1)]
    assert continuity(*many) == pytest.approx(1, abs=0.1)


def test_offsets_of_slices_flicker_and_smoothing_across_does_the_reverse():
    real, like = clouds(0), clouds(1)
    random = np.random.default_rng(3)
    ratios = [
        continuity([s + random.normal(0, strength, (len(s), 1, 1)) for s in like], real)
        for strength in (5, 20)
    ]
    assert 1.1 < ratios[0] < ratios[1]
    assert continuity([ndimage.gaussian_filter1d(s, 2, axis=0) for s in like], real) < 0.8


def test_jump_ratio_does_not_depend_on_contrast():
    (scan,) = clouds(0, count=1)
    assert jump_ratio(255 - scan) == pytest.approx(jump_ratio(scan))
    assert jump_ratio(scan * 0.3 + 10) == pytest.approx(jump_ratio(scan), rel=1e-4)


def test_jump_ratio_is_per_millimetre():
    plane = np.indices((4, 5, 6)).astype(float)
    scan = 6 * plane[0] + 2 * plane[1] + plane[2]
    assert jump_ratio(scan) == pytest.approx(6 / 1.5)
    assert jump_ratio(scan, (3.0, 1.0, 0.5)) == pytest.approx(2 / 2)


@pytest.mark.parametrize(
    ("scan", "complaint"),
    [(np.zeros((1, 4, 4)), "two of each"), (np.zeros((3, 4, 4)), "is uniform")],
)
def test_scans_without_jumps_are_refused(scan, complaint):
    with pytest.raises(DataError, match=complaint):
        jump_ratio(scan)


def test_continuity_needs_both_sets():
    with pytest.raises(DataError, match="0 real"):
        continuity(clouds(0), [])


# Label recovery


def labelled(seed, count=8, contrast=90.0, shape=(6, 32, 28)):
    """Scans with a frequent and a rare structure, that stand out by ``contrast``."""
    scans, labels = [scan * 0.3 for scan in clouds(seed, shape, count)], []
    random = np.random.default_rng(seed + 100)
    for scan in scans:
        label = np.zeros(shape, np.uint8)
        row, column = random.integers(8, 18, 2)
        label[1:5, row : row + 6, column : column + 6] = 1
        label[2:4, row - 5 : row - 1, column : column + 4] = 2
        scan[label == 1] += contrast
        scan[label == 2] += contrast * 1.7
        labels.append(label)
    return scans, labels


NAMES = ("large", "small")


@pytest.fixture(scope="module")
def seen():
    scans, labels = labelled(0)
    return recover_labels(scans, labels, NAMES, labelled(5)[0], steps=100)


def test_visible_structures_are_recovered_and_agreed_on(seen):
    assert list(seen.recovery) == list(seen.agreement) == list(NAMES)
    assert min(seen.recovery.values()) > 0.7
    assert min(seen.agreement.values()) > 0.5


def test_erased_structures_are_not_recovered():
    scans, labels = labelled(0, contrast=0.0)
    erased = recover_labels(scans, labels, NAMES, steps=40)
    assert max(erased.recovery.values()) < 0.45
    assert all(math.isnan(value) for value in erased.agreement.values())


def test_segmenters_do_not_agree_on_real_scans_that_look_otherwise(seen):
    scans, labels = labelled(0)
    real = [255 - scan for scan in labelled(5)[0]]
    other = recover_labels(scans, labels, NAMES, real, steps=100)
    assert other.recovery == seen.recovery
    assert np.mean(list(other.agreement.values())) < 0.5 * np.mean(list(seen.agreement.values()))


def test_recovery_follows_from_its_seed_and_leaves_the_random_state_alone():
    scans, labels = labelled(0, count=2)
    before, numbers = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    one, same, other = (
        recover_labels(scans, labels, NAMES, scans, seed=seed, steps=4) for seed in (3, 3, 4)
    )
    assert one == same
    assert one != other
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(numbers, np.random.get_state()[1])  # noqa: NPY002


def test_a_structure_without_any_label_is_nan():
    scans, labels = labelled(0, count=2)
    labels = [np.where(label == 2, 0, label) for label in labels]
    found = recover_labels(scans, labels, NAMES, scans, steps=2)
    assert math.isnan(found.recovery["small"])
    assert math.isnan(found.agreement["small"])
    assert 0 <= found.recovery["large"] <= 1


def test_pooled_dice_counts_voxels_of_all_scans_together():
    pairs = [(np.array([1, 1, 0]), np.array([1, 0, 0])), (np.array([0, 2]), np.array([1, 2]))]
    assert pooled_dice(pairs, 1) == pytest.approx(2 / 4)
    assert pooled_dice(pairs, 2) == 1
    assert pooled_dice(pairs, 3) == 0


@pytest.mark.parametrize(
    ("count", "shape", "value", "complaint"),
    [
        (1, (2, 8, 8), 0, "two scans"),
        (2, (2, 8, 7), 0, "same axis"),
        (2, (2, 8, 8), 3, "0 to 3, but 2"),
    ],
)
def test_labels_that_do_not_fit_are_refused(count, shape, value, complaint):
    label = np.zeros(shape, np.uint8)
    label[0, 0, 0] = value
    with pytest.raises(DataError, match=complaint):
        recover_labels([np.zeros((2, 8, 8))] * count, [label] * count, NAMES)


# All together


def quality(**changes):
    good = {
        "frechet": 0.3,
        "frechet_source": 3.0,
        "recovery": {"vs": 0.8, "cochlea": 0.6},
        "agreement": {"vs": 0.5, "cochlea": 0.5},
        "cycle": 4.0,
        "continuity": 1.1,
    }
    return Quality(**good | changes)


def test_the_score_multiplies_looks_and_recovery():
    assert quality().score == pytest.approx(0.9 * (0.8 + 0.6) / 2)
    assert quality(frechet=5.0).score == 0
    assert quality(frechet_source=0.0).looks == 1


@pytest.mark.parametrize(
    "worse",
    [{"frechet": 0.6}, {"recovery": {"vs": 0.1, "cochlea": 0.6}}],
)
def test_any_worse_figure_makes_a_worse_translator(worse):
    assert quality().better_than(quality(**worse))
    assert not quality(**worse).better_than(quality())
    assert not quality().better_than(quality())
    assert quality(**worse).better_than(None)


def test_structures_that_could_not_be_measured_do_not_count():
    partly = quality(recovery={"vs": 0.8, "cochlea": math.nan})
    assert partly.score == pytest.approx(0.9 * 0.8)
    assert quality(recovery={"vs": math.nan}).score == 0.9


def test_json_has_no_nan_and_gives_the_figures_back():
    partly = quality(recovery={"vs": 0.8, "cochlea": math.nan})
    text = json.dumps(partly.as_json(), allow_nan=False)
    assert json.loads(text)["recovery"] == {"vs": 0.8, "cochlea": None}
    again = Quality.from_json(json.loads(text))
    assert again.as_json() == partly.as_json()
    assert again.score == partly.score


def test_a_right_translator_is_better_than_none_and_than_one_that_erases():
    (source, labels), (there, _) = labelled(0, count=4), labelled(5, count=4)
    real = [255 - scan for scan in there]

    def erase(scan):
        return ndimage.median_filter(255 - scan, (1, 15, 15))

    found = {
        name: measure(source, labels, NAMES, real, there=way, back=way, steps=30)
        for name, way in (("right", lambda s: 255 - s), ("none", lambda s: s), ("erase", erase))
    }
    assert found["right"].better_than(found["none"])
    assert found["right"].better_than(found["erase"])
    assert found["none"].frechet == pytest.approx(found["right"].frechet_source)
    assert found["right"].cycle == pytest.approx(0, abs=1e-4)
    assert found["erase"].cycle > 5
