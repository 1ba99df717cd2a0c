"""How sure a segmenter is of what it segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from past_core.interfaces import Validator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from past_core.case import Case
    from past_core.interfaces import Candidate, Figures, Progress
    from past_core.labels import Labels

__all__ = ["Certainty"]

LEAST = 0.01
"""Voxels count where some structure is at least this likely: all others are sure background."""


class Certainty(Validator):
    """1 minus the mean entropy of voxels near structures, as a share of the largest entropy.

    A warning rather than a guide: a segmenter may be sure and wrong, and one that finds nothing
    is the surest of all, so nothing found counts as 0.
    """

    def assess(
        self,
        candidates: Sequence[Candidate],
        scans: Sequence[Case],
        source: Sequence[Case],  # noqa: ARG002
        labels: Labels,
        progress: Progress,
    ) -> Figures:
        """0 (all classes alike) to 1 (sure); see ``Validator.assess``."""
        figures: Figures = {candidate.name: {} for candidate in candidates}
        for done, scan in enumerate(scans, start=1):
            for candidate in candidates:
                probabilities = candidate.probabilities(scan).astype(np.float64)
                near = probabilities[:, probabilities[1:].max(axis=0) >= LEAST]
                if near.size == 0:
                    figures[candidate.name][scan.id] = 0.0
                    continue
                entropy = -(near * np.log(np.maximum(near, 1e-12))).sum(axis=0)
                figures[candidate.name][scan.id] = 1 - float(entropy.mean() / np.log(labels.count))
            progress(done, len(scans), scan.id)
        return figures
