"""Consistency under a flip of left and right."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from past_core.interfaces import Validator
from past_core.validators.overlap import overlap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from past_core.case import Case
    from past_core.interfaces import Candidate, Figures, Progress
    from past_core.labels import Labels

__all__ = ["Flip"]


class Flip(Validator):
    """Dice, 0 to 1, of a candidate's segmentation with that of the mirrored scan.

    A segmenter on safe ground does not mind which side is left. Every candidate is applied to
    every scan once more.
    """

    def assess(
        self,
        candidates: Sequence[Candidate],
        scans: Sequence[Case],
        source: Sequence[Case],  # noqa: ARG002
        labels: Labels,
        progress: Progress,
    ) -> Figures:
        """Dice of a scan's segmentation before and after, mean over structures.

        See ``Validator.assess``. Cropped scans are canonical: their first axis runs to the
        right.
        """
        figures: Figures = {candidate.name: {} for candidate in candidates}
        total = len(candidates) * len(scans)
        for number, candidate in enumerate(candidates):
            for done, scan in enumerate(scans, start=number * len(scans) + 1):
                volume = scan.load_image()
                mirrored = replace(volume, data=np.ascontiguousarray(volume.data[::-1]))
                found = candidate.segment(scan, mirrored)[::-1]
                figures[candidate.name][scan.id] = overlap(candidate.classes(scan), found, labels)
                progress(done, total, f"{candidate.name} {scan.id}")
        return figures
