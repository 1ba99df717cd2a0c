"""Consistency under a flip of left and right."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from past_core.validators.overlap import overlap
from past_core.validators.scanwise import ScanWise

if TYPE_CHECKING:
    from past_core.case import Case
    from past_core.interfaces import Candidate
    from past_core.labels import Labels

__all__ = ["Flip"]


class Flip(ScanWise):
    """Dice, 0 to 1, of a candidate's segmentation with that of the mirrored scan.

    A segmenter on safe ground does not mind which side is left. Every candidate is applied to
    every scan once more. Cropped scans are canonical: their first axis runs to the right.
    """

    def applications(self) -> int:
        """The mirrored scan."""
        return 1

    def figure(self, candidate: Candidate, scan: Case, labels: Labels) -> float:
        """Dice of a scan's segmentation before and after, mean over structures."""
        volume = scan.load_image()
        mirrored = replace(volume, data=np.ascontiguousarray(volume.data[::-1]))
        found = candidate.segment(scan, mirrored)[::-1]
        return overlap(candidate.classes(scan), found, labels)
