"""Borders move of those structures alone about which the image can decide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from past_core import Labels
from past_core.case import Domain
from past_core.config import parse_config
from past_core.volume import save_volume
from past_selftrain import doubts
from past_selftrain.doubts import settled, trusted
from past_selftrain.edges import around, redrawn
from past_selftrain.topq import TopQ, TopQConfig
from tests.selftrain.test_edges import (
    FIRST,
    MIDDLE,
    SECOND,
    SHAPE,
    SPACING,
    distance,
    image_of,
    predicted_of,
)

LABELS = Labels(("vs", "cochlea"))
GRID = np.stack(
    np.meshgrid(*(np.arange(n) * mm for n, mm in zip(SHAPE, SPACING, strict=True)), indexing="ij")
)
BOTH = predicted_of((FIRST, 6.0), (SECOND, 6.0), classes=3)


@pytest.fixture
def scan(write, tmp_path):
    """A scan with both structures predicted, whose image has these balls."""

    def scan(name, *balls, domain=Domain.TARGET, probabilities=BOTH):
        path = tmp_path / f"{name}.nii.gz"
        save_volume(image_of(*balls), path)
        return replace(write(name, probabilities), image=path, domain=domain)

    return scan


def test_an_edge_settles_a_doubt_and_noise_does_not(scan):
    found = settled([scan("a", (FIRST, 5, 180))], LABELS, 3)
    assert found[1] > 0.9
    assert found[2] < 0.3


def test_scans_are_judged_together_by_their_voxels(scan):
    """Finds means over scans, in which a tiny structure counts as much as a large one."""
    small = predicted_of((FIRST, 2.5), (SECOND, 6.0), classes=3)
    tiny = scan("tiny", probabilities=small)
    large = scan("large", (FIRST, 6, 180))
    apart = [settled([one], LABELS, 3)[1] for one in (tiny, large)]
    together = settled([large, tiny], LABELS, 3)[1]
    assert settled([tiny, large], LABELS, 3)[1] == pytest.approx(together)
    assert apart[0] < 0.6
    assert apart[1] > 0.9
    assert together > np.mean(apart) + 0.1


def test_a_doubt_is_a_voxel_more_and_a_voxel_less_and_takes_from_no_other_structure(
    scan, monkeypatch
):
    seen = []

    def note(image, predicted, certainty, width, structures):
        seen.append(predicted)
        return redrawn(image, predicted, certainty, width, structures)

    monkeypatch.setattr(doubts, "redrawn", note)
    touching = predicted_of((FIRST, 8.5), (SECOND, 8.5), classes=3)
    settled([scan("a", probabilities=touching)], LABELS, 3)
    classes = touching.argmax(axis=0)
    classes = classes[around(classes > 0, 3 + doubts.DOUBT, np.array(SPACING))]
    larger, smaller = seen[:2]
    assert all(np.array_equal(one, other) for one, other in zip(seen[2:], seen[:2], strict=True))
    for value in (1, 2):
        depth = ndimage.distance_transform_edt(classes == value, sampling=(1, 1, 1.5))
        assert np.array_equal(smaller == value, depth > 1)
        beyond = ndimage.distance_transform_edt(classes != value, sampling=(1, 1, 1.5))
        allowed = (beyond <= 1) & (classes != 3 - value)
        assert (larger == value)[classes == value].all()
        assert not (larger == value)[~allowed].any()
    near = ndimage.distance_transform_edt(classes == 0, sampling=(1, 1, 1.5)) <= 1
    assert (larger > 0)[near].all()


def test_what_is_predicted_nowhere_settles_nothing(scan):
    nothing = np.zeros_like(BOTH)
    nothing[0] = 1
    assert settled([scan("a", probabilities=nothing)], LABELS, 3) == {1: 0, 2: 0}


def test_each_domain_trusts_the_edges_of_its_own_images(scan):
    source = scan("s", (FIRST, 5, 180), domain=Domain.SOURCE)
    target = scan("t", (SECOND, 5, 180))
    found = trusted([source, target], LABELS, 3, 0.5)
    assert found == {Domain.SOURCE: (1,), Domain.TARGET: (2,)}
    assert trusted([scan("n")], LABELS, 3, 0.5) == {Domain.TARGET: ()}


def test_with_no_share_asked_no_scan_is_read(write):
    assert trusted([write("a", BOTH)], LABELS, 3, 0.0) == {Domain.TARGET: (1, 2)}


def test_scans_looked_at_are_spread_over_the_domain(scan, monkeypatch):
    seen = []

    def note(predictions, labels, width):
        seen.append([one.case_id for one in predictions])
        return dict.fromkeys((1, 2), 0.0)

    monkeypatch.setattr(doubts, "settled", note)
    scans = [scan(str(n)) for n in range(5)]
    trusted(scans, LABELS, 3, 0.5)
    monkeypatch.setattr(doubts, "SCANS", 3)
    trusted(scans, LABELS, 3, 0.5)
    assert seen == [["0", "1", "2", "3", "4"], ["0", "2", "4"]]


def test_top_q_moves_borders_that_the_image_settles_and_no_others(scan):
    one = scan("a", (FIRST, 5, 180))

    def select(**values):
        strategy = TopQ(parse_config(TopQConfig, values, "strategy"))
        (found,) = strategy.select([one], LABELS, 1)
        return found

    plain, moved, every = select(), select(edges=3), select(edges=3, edges_settled=0.0)
    near, far = distance(FIRST) <= 8, distance(SECOND) <= 6
    assert not np.array_equal(moved.label[near], plain.label[near])
    assert np.array_equal(moved.label[far], plain.label[far])
    assert np.array_equal(moved.label[near], every.label[near])
    assert not np.array_equal(every.label[far], plain.label[far])
    assert plain.by_image is None
    assert moved.by_image.any()
    assert not moved.by_image[far].any()


def test_top_q_moves_borders_by_what_is_settled_in_a_scans_own_domain(scan):
    scans = [scan("s", (FIRST, 5, 180), domain=Domain.SOURCE), scan("t", (SECOND, 5, 180))]
    strategy = TopQ(parse_config(TopQConfig, {"edges": 3}, "strategy"))
    source, target = (one.by_image for one in strategy.select(scans, LABELS, 1))
    near = [distance(centre) <= 6 for centre in (FIRST, SECOND)]
    assert [mask[zone].any() for mask in (source, target) for zone in near] == [
        *(True, False),
        *(False, True),
    ]


@pytest.mark.parametrize("radius", [2.0, 2.5, 3.0, 3.5, 4.0, 5.0])
def test_noise_settles_nothing_however_thin_a_structure_is(scan, radius):
    """Finds agreement that comes of starting from one and the same middle."""
    tube = np.zeros((2, *SHAPE))
    tube[1] = 2 * (
        radius - np.sqrt(sum((g - c) ** 2 for g, c in zip(GRID[:2], FIRST, strict=False)))
    )
    powers = np.exp(tube - tube.max(axis=0))
    thin = [predicted_of((MIDDLE, radius)), (powers / powers.sum(axis=0)).astype(np.float16)]
    for n, probabilities in enumerate(thin):
        one = scan(f"{n}", probabilities=probabilities)
        assert settled([one], Labels(("vs",)), 3)[1] < 0.4


@pytest.mark.parametrize(
    ("balls", "settings", "alone"),
    [
        ([(FIRST, 5, 180), (SECOND, 5, 5)], {"edges": 3}, True),
        ([(FIRST, 5, 180), (SECOND, 5, 5)], {}, False),
        ([(FIRST, 5, 180)], {"edges": 3}, False),
    ],
)
def test_labels_are_learnt_from_alone_where_the_borders_of_all_structures_are_settled(
    scan, balls, settings, alone
):
    strategy = TopQ(parse_config(TopQConfig, settings, "strategy"))
    (found,) = strategy.select([scan("a", *balls)], LABELS, 1)
    assert found.alone == alone


def test_where_no_border_is_settled_labels_are_as_without_edges(scan):
    one = scan("a")
    found, plain = (
        next(TopQ(parse_config(TopQConfig, values, "strategy")).select([one], LABELS, 1))
        for values in ({"edges": 3}, {})
    )
    assert np.array_equal(found.label, plain.label)
    assert found.by_image is None


def test_a_scan_without_a_structure_is_not_learnt_from_alone(scan):
    only = predicted_of((FIRST, 6.0), classes=3)
    balls = (FIRST, 5, 180), (SECOND, 5, 5)
    scans = [scan("both", *balls), scan("one", *balls, probabilities=only)]
    strategy = TopQ(parse_config(TopQConfig, {"edges": 3}, "strategy"))
    assert [one.alone for one in strategy.select(scans, LABELS, 1)] == [True, False]
