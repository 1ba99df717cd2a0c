"""Label-free figures: what each rates highly, and the choice by several."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from past_core.case import Case, Domain
from past_core.interfaces.context import silent
from past_core.labels import Labels
from past_core.ranking import best, mean_figures
from past_core.validators.affine import Affine
from past_core.validators.agreement import Agreement
from past_core.validators.anatomy import Pieces, Place
from past_core.validators.certainty import Certainty, NuclearNorm
from past_core.validators.config import AffineConfig, NoConfig
from past_core.validators.flip import Flip
from past_core.validators.overlap import overlap
from past_core.validators.pairwise import Pairwise
from past_core.validators.volume import PlausibleVolume
from past_core.volume import Volume, save_volume

LABELS = Labels(("ball", "shell"))
SHAPE = (12, 10, 8)
AFFINE = np.diag([0.5, 1.0, 2.0, 1.0])


def boxes(ball=4, shell=2, at=2):
    """Boxes of some voxels along the first axis."""
    classes = np.zeros(SHAPE, np.uint8)
    classes[at : at + ball, :5, :5] = 1
    classes[at + ball : at + ball + shell, :5, :5] = 2
    return classes


@dataclass(frozen=True)
class Fixed:
    """Says the same of every scan, with a certainty; may mind which side is left."""

    name: str
    found: np.ndarray
    sure: float = 0.9
    one_sided: bool = False

    def probabilities(self, scan):
        rest = (1 - self.sure) / (LABELS.count - 1)
        return np.where(np.arange(LABELS.count)[:, None, None, None] == self.found, self.sure, rest)

    def classes(self, scan):
        return self.found

    def segment(self, scan, volume):
        return self.found if self.one_sided else self.found[::-1]


@pytest.fixture
def scans(tmp_path):
    made = []
    for number, domain in enumerate((Domain.TARGET, Domain.TARGET, Domain.SOURCE, Domain.SOURCE)):
        image, label = tmp_path / f"{number}.nii.gz", None
        save_volume(Volume(np.zeros(SHAPE, np.float32), AFFINE), image)
        if domain is Domain.SOURCE:
            label = tmp_path / f"{number}_label.nii.gz"
            save_volume(Volume(boxes(ball=3 + number - 2), AFFINE), label)
        made.append(Case(f"case{number}", domain, image, label))
    return made[:2], made[2:]


def means(validator, scans, *candidates):
    return mean_figures(validator.assess(candidates, *scans, LABELS, silent))


def test_overlap_is_the_mean_dice_of_what_either_has():
    assert overlap(boxes(), boxes(), LABELS) == 1
    assert overlap(boxes(ball=4), boxes(ball=2), LABELS) == pytest.approx((2 / 3 + 0) / 2)
    assert overlap(boxes(shell=0), boxes(shell=0), LABELS) == 1, "no shell in either"
    assert overlap(boxes(0, 0), boxes(0, 0), LABELS) == 0, "nothing is no agreement"


def test_who_is_alone_agrees_least(scans):
    found = means(
        Agreement(NoConfig()),
        scans,
        Fixed("a", boxes()),
        Fixed("b", boxes(ball=3, shell=3)),
        Fixed("c", boxes()),
        Fixed("alone", boxes(at=5)),
    )
    assert found["a"] == found["c"] == 1
    assert found["alone"] < found["b"] < 1


def test_the_consensus_is_of_probabilities_not_of_votes(scans):
    """Two that are unsure do not outvote one that is sure."""
    unsure = boxes(at=5)
    found = means(
        Agreement(NoConfig()),
        scans,
        Fixed("sure", boxes(), 0.99),
        Fixed("a", unsure, 0.4),
        Fixed("b", unsure, 0.4),
    )
    assert found["sure"] == 1
    assert found["a"] < 1


def test_who_minds_the_side_is_inconsistent(scans):
    even, one_sided = Fixed("even", boxes()), Fixed("one-sided", boxes(), one_sided=True)
    found = means(Flip(NoConfig()), scans, even, one_sided)
    assert found["even"] == 1
    assert found["one-sided"] < 0.6


def test_the_surest_is_most_certain_unless_it_finds_nothing(scans):
    found = means(
        Certainty(NoConfig()),
        scans,
        Fixed("sure", boxes(), 0.98),
        Fixed("unsure", boxes(), 0.5),
        Fixed("nothing", boxes(0, 0), 0.999),
    )
    assert found["sure"] > 0.8
    assert found["unsure"] < 0.1
    assert found["nothing"] == 0


def test_what_is_sure_and_diverse_has_a_large_nuclear_norm(scans):
    found = means(
        NuclearNorm(NoConfig()),
        scans,
        Fixed("diverse", boxes(), 0.99),
        Fixed("unsure", boxes(), 0.5),
        Fixed("one class", np.ones(SHAPE, np.uint8), 0.99),
        Fixed("nothing", boxes(0, 0), 0.999),
    )
    assert found["diverse"] > 0.75
    assert max(found["unsure"], found["one class"]) < 0.6
    assert found["nothing"] == 0


def test_every_other_candidate_has_one_vote(scans):
    """However sure it is: the sure one is outvoted here."""
    unsure = boxes(at=5)
    found = means(
        Pairwise(NoConfig()),
        scans,
        Fixed("sure", boxes(), 0.99),
        Fixed("a", unsure, 0.4),
        Fixed("b", unsure, 0.4),
    )
    assert found["a"] == found["b"] > found["sure"]


@dataclass(frozen=True)
class Thresholding(Fixed):
    """Segments what is bright, wherever it is; or says the same whatever it is shown."""

    def classes(self, scan):
        return self.segment(scan, scan.load_image())

    def segment(self, scan, volume):
        return self.found if self.one_sided else np.digitize(volume.data, [0.5, 1.5]).astype("u1")


def test_who_follows_a_turn_is_consistent(scans, tmp_path):
    path = tmp_path / "bright.nii.gz"
    classes = np.zeros((40, 40, 8), np.uint8)
    classes[8:16, 10:30, 2:6], classes[22:30, 14:26, 2:6] = 1, 2
    save_volume(Volume(classes.astype(np.float32), AFFINE), path)
    scan = [Case("bright", Domain.TARGET, path)]
    follows, stays = (
        Thresholding("follows", classes),
        Thresholding("stays", classes, one_sided=True),
    )
    for degrees in (10.0, -10.0):
        config = AffineConfig(degrees=abs(degrees), scale=1.1 if degrees > 0 else 1 / 1.1)
        found = means(Affine(config), (scan, scans[1]), follows, stays)
        assert found["follows"] > 0.9
        assert found["stays"] < 0.85


def test_pieces_that_no_source_scan_has_count_less(scans):
    scattered = boxes()
    scattered[::3, 7:9, 7] = 1
    found = means(
        Pieces(NoConfig()),
        scans,
        Fixed("whole", boxes()),
        Fixed("scattered", scattered),
        Fixed("no shell", boxes(shell=0)),
    )
    assert found["whole"] == 1
    assert found["scattered"] == pytest.approx((1 / 5 + 1) / 2)
    assert found["no shell"] == 0.5


def test_places_that_no_source_scan_has_count_less(scans):
    found = means(
        Place(NoConfig()),
        scans,
        Fixed("usual", boxes()),
        Fixed("elsewhere", boxes()[:, ::-1, ::-1]),
        Fixed("nothing", boxes(0, 0)),
    )
    assert found["usual"] > 0.9
    assert 0 < found["elsewhere"] < 0.1
    assert found["nothing"] == 0


def test_volumes_beyond_the_sources_count_less(scans):
    """Source balls are 3 and 4 voxels long, shells 2."""
    found = means(
        PlausibleVolume(NoConfig()),
        scans,
        Fixed("usual", boxes(ball=3)),
        Fixed("large", boxes(ball=8)),
        Fixed("small", boxes(ball=3, shell=1)),
        Fixed("no shell", boxes(ball=4, shell=0)),
    )
    assert found["usual"] == 1
    assert found["large"] == pytest.approx((4 / 8 + 1) / 2)
    assert found["small"] == pytest.approx((1 + 1 / 2) / 2)
    assert found["no shell"] == pytest.approx(0.5)


def test_volumes_are_in_millimetres(scans, tmp_path):
    """The same voxels on a finer grid are less."""
    _, source = scans
    fine = tmp_path / "fine.nii.gz"
    save_volume(Volume(np.zeros(SHAPE, np.float32), AFFINE / 2), fine)
    small = [Case("fine", Domain.TARGET, fine)]
    one = Fixed("one", boxes(ball=4))
    found = means(PlausibleVolume(NoConfig()), (small, source), one)
    assert found["one"] == pytest.approx(((1 / 8) / (3 / 4) + 1 / 8) / 2)


def test_the_best_has_the_lowest_mean_rank():
    figures = {
        "one": {"a": {"s": 0.9}, "b": {"s": 0.8}, "c": {"s": 0.1}},
        "two": {"a": {"s": 0.1}, "b": {"s": 0.8}, "c": {"s": 0.7}},
    }
    chosen, ranks = best(figures, ["a", "b", "c"])
    assert chosen == "b"
    assert ranks == {"a": 2, "b": 1.5, "c": 2.5}


def test_of_equal_candidates_the_last_is_taken():
    figures = {"one": {"b": {"s": 0.5}, "a": {"s": 0.5}}}
    assert best(figures, ["a", "b"])[0] == "b"
    assert best(figures, ["b", "a"])[0] == "a"


def test_what_cannot_be_told_is_no_praise():
    figures = {"one": {"a": {"s": math.nan, "t": math.nan}, "b": {"s": 0.1, "t": math.nan}}}
    assert mean_figures(figures["one"])["b"] == 0.1
    assert best(figures, ["a", "b"])[0] == "b"


def test_a_scan_is_turned_and_resized_in_millimetres(tmp_path):
    spacing = np.array([0.5, 1.0, 2.0])
    shape = (64, 48, 4)
    places = (np.indices(shape).T - (np.array(shape) - 1) / 2) * spacing
    bar = (np.abs(places[..., 0]) < 12) & (np.abs(places[..., 1]) < 3)
    image = np.where(bar, 200, 20).astype(np.uint8).T
    save_volume(Volume(image, np.diag([*spacing, 1.0])), tmp_path / "a.nii.gz")
    seen = []

    class Seeing(Fixed):
        def segment(self, scan, volume):
            seen.append(volume.data)
            return self.found

    scan = Case("a", Domain.TARGET, tmp_path / "a.nii.gz")
    config = AffineConfig(degrees=10, scale=1.2)
    Affine(config).figure(Seeing("one", np.zeros(shape, np.uint8)), scan, LABELS)
    turns, sizes = [], []
    for moved in seen:
        found = places[moved.T > 110][:, :2]
        values, vectors = np.linalg.eigh(np.cov(found.T))
        long = vectors[:, 1] * np.sign(vectors[0, 1])
        turns.append(np.degrees(np.arctan2(long[1], long[0])))
        sizes.append(np.sqrt(values[1] / values[0]) / 4)  # as long for its breadth as before
    assert sorted(turns) == pytest.approx([-10, 10], abs=0.7)
    assert sizes == pytest.approx([1, 1], rel=0.05)
    grown = [np.count_nonzero(moved[..., 1] > 110) / np.count_nonzero(bar[1]) for moved in seen]
    assert grown == pytest.approx([1.2**2, 1.2**-2], rel=0.05)
