"""Consistency under random looks: what it praises, and that all candidates see the same."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from past_core.case import Case, Domain
from past_core.interfaces.context import silent
from past_core.labels import Labels
from past_core.volume import Volume, save_volume
from past_seg.looks import Looks, LooksConfig

LABELS = Labels(("ball",))


@dataclass
class ByBrightness:
    """What is brighter than a share of the scan's brightest voxel: minds every look."""

    name: str = "brightness"
    seen: list = field(default_factory=list)

    def segment(self, scan, volume):
        self.seen.append(volume)
        return (volume.data > 0.6 * volume.data.max()).astype(np.uint8)

    def classes(self, scan):
        return self.segment(scan, scan.load_image())


@dataclass
class ByPlace(ByBrightness):
    """Always the same voxels: minds no look."""

    name: str = "place"

    def segment(self, scan, volume):
        self.seen.append(volume)
        found = np.zeros(volume.shape, np.uint8)
        found[4:8] = 1
        return found


@pytest.fixture
def scans(tmp_path):
    draw = np.random.default_rng(0)
    for name in ("a", "b"):
        image = draw.normal(100, 20, (12, 12, 8)).clip(1, 255)
        image[4:8] = draw.normal(220, 10, (4, 12, 8)).clip(1, 255)
        save_volume(Volume(image.astype(np.uint8), np.eye(4)), tmp_path / f"{name}.nii.gz")
    return [Case(name, Domain.TARGET, tmp_path / f"{name}.nii.gz") for name in ("a", "b")]


def test_who_minds_looks_is_below_who_does_not(scans):
    candidates = [ByBrightness(), ByPlace()]
    figures = Looks(LooksConfig()).assess(candidates, scans, [], LABELS, silent)
    assert all(value == 1 for value in figures["place"].values())
    assert all(0 <= value < 0.95 for value in figures["brightness"].values())


def test_all_candidates_see_the_same_looks_whatever_was_drawn_before(scans):
    seen = []
    for seed in (1, 2):
        candidate = ByPlace()
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        Looks(LooksConfig(number=3)).figure(candidate, scans[0], LABELS)
        assert torch.equal(torch.get_rng_state(), before)
        seen.append([volume.data for volume in candidate.seen[1:]])
    assert len(seen[0]) == 3
    for one, other in zip(*seen, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(seen[0][0], seen[0][1])


def test_looks_differ_between_scans_and_keep_mean_and_spread(scans):
    candidate = ByPlace()
    again = Case("c", Domain.TARGET, scans[0].image)
    Looks(LooksConfig(number=1)).assess([candidate], [scans[0], again], [], LABELS, silent)
    look, other = [volume.data for volume in candidate.seen[1::2]]
    image = scans[0].load_image().data.astype(np.float32)
    assert np.abs(look - other).mean() > 1
    for one in (look, other):
        assert one.shape == image.shape
        assert np.sqrt(((one - image.mean()) ** 2).mean()) == pytest.approx(image.std(), rel=0.01)
