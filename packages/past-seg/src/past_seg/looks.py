"""Consistency of a segmentation under random looks."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from pydantic import Field

from past_core.config import PluginConfig
from past_core.validators.overlap import overlap
from past_core.validators.scanwise import ScanWise
from past_seg.nnunet.randomisation import random_convolution

if TYPE_CHECKING:
    from past_core.case import Case
    from past_core.interfaces import Candidate
    from past_core.labels import Labels
    from past_core.volume import Volume

__all__ = ["Looks", "LooksConfig"]


class LooksConfig(PluginConfig):
    """How often a scan's look is changed."""

    number: int = Field(default=2, ge=1, le=20)
    """Random looks of each scan; every candidate is applied to all of them."""


class Looks(ScanWise):
    """Dice, 0 to 1, of a candidate's segmentation with those of the scan under random looks.

    A look is a shallow convolution network with random weights (GIN: Ouyang et al., IEEE TMI
    2022). Looks follow from the scan's id, so that all candidates see the same. Candidates that
    were trained on random looks have learnt not to mind them, whether or not they are right.
    """

    config: LooksConfig

    def applications(self) -> int:
        """Every look."""
        return self.config.number

    def figure(self, candidate: Candidate, scan: Case, labels: Labels) -> float:
        """Mean over looks, mean over structures."""
        volume, before = scan.load_image(), candidate.classes(scan)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(zlib.crc32(scan.id.encode()))
            looks = [_changed(volume) for _ in range(self.config.number)]
        values = [overlap(before, candidate.segment(scan, look), labels) for look in looks]
        return float(np.mean(values))


def _changed(volume: Volume) -> Volume:
    """The scan's image passed through a random network, with its own mean and spread."""
    data = torch.from_numpy(volume.data.astype(np.float32))
    spread, mean = torch.std_mean(data)
    look = random_convolution(((data - mean) / spread.clamp_min(1e-6))[None, None])[0, 0]
    return replace(volume, data=(look * spread + mean).numpy())
