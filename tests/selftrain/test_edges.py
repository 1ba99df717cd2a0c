"""Borders of pseudo-labels come to lie on the image's edges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from past_core import DataError, Labels, Volume
from past_core.config import parse_config
from past_core.testing import check_strategy
from past_core.volume import save_volume
from past_selftrain.edges import redrawn
from past_selftrain.topq import TopQ, TopQConfig

SHAPE = (36, 32, 20)
SPACING = (1.0, 1.0, 1.5)


def distance(centre):
    """In mm from a point in mm."""
    axes = [np.arange(n) * mm for n, mm in zip(SHAPE, SPACING, strict=True)]
    grid = np.meshgrid(*axes, indexing="ij")
    return np.sqrt(sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)))


def image_of(*balls, noise=6.0):
    """Balls ``(centre, radius, brightness)`` in a background of 60."""
    data = np.full(SHAPE, 60.0)
    for centre, radius, brightness in balls:
        data[distance(centre) <= radius] = brightness
    data += np.random.default_rng(0).normal(0, noise, SHAPE)
    return Volume(data.clip(0, 255).astype(np.float32), np.diag([*SPACING, 1.0]))


def predicted_of(*balls, classes=2):
    """Probabilities of balls ``(centre, radius)`` that are surest in their middle."""
    logits = np.zeros((classes, *SHAPE))
    for value, (centre, radius) in enumerate(balls, start=1):
        logits[value] = 2 * (radius - distance(centre))
    powers = np.exp(logits - logits.max(axis=0))
    return (powers / powers.sum(axis=0)).astype(np.float16)


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def walked(image, probabilities, width, structures=None):
    predicted = probabilities.argmax(axis=0).astype(np.uint8)
    every = range(1, len(probabilities))
    return redrawn(image, predicted, probabilities, width, structures or every)


MIDDLE = (17.0, 15.0, 14.0)
FIRST, SECOND = (9.0, 15.0, 14.0), (25.0, 15.0, 14.0)


@pytest.mark.parametrize(("radius", "wrong"), [(7.0, 8.7), (7.0, 5.9)])
def test_a_border_moves_to_the_edge_from_either_side(radius, wrong):
    true = distance(MIDDLE) <= radius
    probabilities = predicted_of((MIDDLE, wrong))
    before = dice(probabilities.argmax(axis=0) == 1, true)
    found = walked(image_of((MIDDLE, radius, 180)), probabilities, 3)
    assert before < 0.87
    assert dice(found.classes == 1, true) > 0.96


def test_each_structure_finds_its_own_edge():
    """Finds structures that take each other's voxels, one of them darker than the background."""
    image = image_of((FIRST, 5, 180), (SECOND, 5, 5))
    found = walked(image, predicted_of((FIRST, 6.5), (SECOND, 6.5), classes=3), 3)
    for value, centre in enumerate((FIRST, SECOND), start=1):
        assert dice(found.classes == value, distance(centre) <= 5) > 0.95


def test_borders_of_other_structures_stay():
    image = image_of((FIRST, 5, 180), (SECOND, 5, 5))
    probabilities = predicted_of((FIRST, 6.5), (SECOND, 9.5), classes=3)
    found = walked(image, probabilities, 3, structures=(1,))
    assert dice(found.classes == 1, distance(FIRST) <= 5) > 0.95
    other = probabilities.argmax(axis=0) == 2
    assert (found.classes[other] == 2).all()
    assert not found.zone[other].any()


def test_a_structure_too_small_to_have_a_depth_keeps_its_surest_voxels():
    found = walked(image_of((MIDDLE, 2.2, 200)), predicted_of((MIDDLE, 3.0)), 4)
    assert dice(found.classes == 1, distance(MIDDLE) <= 2.2) > 0.9


def test_nothing_is_decided_far_from_borders():
    probabilities = predicted_of((MIDDLE, 7))
    found = walked(image_of((MIDDLE, 7, 180)), probabilities, 3)
    near = np.abs(distance(MIDDLE) - 7)
    assert not found.zone[near > 4.6].any()
    assert found.zone[near < 0.9].all()
    assert (found.classes == probabilities.argmax(axis=0))[~found.zone].all()
    assert (found.probability[~found.zone] == 1).all()


def test_coarse_axes_have_as_many_millimetres():
    """Finds widths in voxels along each axis."""
    found = walked(image_of((MIDDLE, 9, 180)), predicted_of((MIDDLE, 9)), 3)
    i, j, k = (int(c / mm) for c, mm in zip(MIDDLE, SPACING, strict=True))
    inside = (distance(MIDDLE) <= 9) & found.zone
    depth = [inside[:i, j, k].sum() * SPACING[0], inside[i, j, :k].sum() * SPACING[2]]
    assert depth == pytest.approx([3, 3], abs=1.0)


def test_an_image_without_edges_leaves_the_border_where_it_was():
    probabilities = predicted_of((MIDDLE, 7))
    found = walked(image_of(noise=0), probabilities, 3)
    assert np.array_equal(found.classes, probabilities.argmax(axis=0))


def test_where_nothing_but_noise_is_seen_the_structure_shrinks_and_does_not_vanish():
    """Where a border has no contrast, walks from the wider outside win most of the zone."""
    probabilities = predicted_of((MIDDLE, 7))
    found = walked(image_of(), probabilities, 3)
    whole = probabilities.argmax(axis=0) == 1
    assert 0.4 < (found.classes == 1).sum() / whole.sum() < 1
    assert not (found.classes == 1)[~whole].any()


def test_nothing_predicted_stays_nothing():
    probabilities = np.zeros((2, *SHAPE), np.float16)
    probabilities[0] = 1
    found = walked(image_of(), probabilities, 3)
    assert not found.zone.any()
    assert not found.classes.any()


@pytest.fixture
def select(write, tmp_path):
    """Pseudo-labels of one case with this image."""

    def select(probabilities, image, **values):
        prediction = write("a", probabilities)
        if image is not None:
            save_volume(image, tmp_path / "image.nii.gz")
            prediction = replace(prediction, image=tmp_path / "image.nii.gz")
        strategy = TopQ(parse_config(TopQConfig, values, "strategy"))
        (one,) = strategy.select([prediction], Labels(("vs",)), 1)
        return one.label

    return select


def test_pseudo_labels_keep_what_lies_deep_and_what_walks_are_sure_of(select):
    probabilities, image = predicted_of((MIDDLE, 8.7)), image_of((MIDDLE, 7, 180))
    label = select(probabilities, image, q=0.05, ties="thin", edges=3)
    true = distance(MIDDLE) <= 7
    assert (label[distance(MIDDLE) <= 5] == 1).all()
    assert dice(label == 1, true) > 0.95
    near = np.abs(distance(MIDDLE) - 8.7) < 1.5
    assert (label[near] != 2).mean() > 0.8
    far = distance(MIDDLE) > 15
    plain = select(probabilities, image, q=0.05, ties="thin")
    assert np.array_equal(label[far], plain[far])
    assert dice(plain == 1, true) < 0.8


def test_islands_stay_ignored(select):
    far = (4.0, 4.0, 4.0)
    probabilities = np.maximum(predicted_of((MIDDLE, 7))[1], predicted_of((far, 3))[1])
    probabilities = np.stack([1 - probabilities, probabilities]).astype(np.float16)
    image = image_of((MIDDLE, 7, 180), (far, 3, 180))
    label = select(probabilities, image, edges=3, largest_component=["vs"])
    assert (label[distance(far) <= 2.5] == 2).all()
    assert (select(probabilities, image, edges=3)[distance(far) <= 1] == 1).all()


def test_without_an_image_the_remedy_is_named(select):
    with pytest.raises(DataError, match=r"edges needs the image of case a, .* Set edges = 0"):
        select(predicted_of((MIDDLE, 7)), None, edges=3)


@pytest.mark.parametrize("settled", [0.0, 0.4])
def test_top_q_keeps_its_promises_where_the_image_decides(tmp_path, settled):
    check_strategy(TopQ, TopQConfig(edges=2, edges_settled=settled), tmp_path)
