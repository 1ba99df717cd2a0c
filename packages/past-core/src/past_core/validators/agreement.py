"""Agreement with all candidates together."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from past_core.interfaces import Validator
from past_core.validators.overlap import overlap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from past_core.case import Case
    from past_core.interfaces import Candidate, Figures, Progress
    from past_core.labels import Labels

__all__ = ["Agreement"]


class Agreement(Validator):
    """Dice, 0 to 1, of a candidate's segmentation with that of the mean probabilities of all.

    What errs in its own way is alone with it. Candidates that err alike outvote the others, so
    they should differ in more than chance.
    """

    compares: ClassVar[bool] = True

    def assess(
        self,
        candidates: Sequence[Candidate],
        scans: Sequence[Case],
        source: Sequence[Case],  # noqa: ARG002
        labels: Labels,
        progress: Progress,
    ) -> Figures:
        """Dice with the consensus, mean over structures; see ``Validator.assess``."""
        figures: Figures = {candidate.name: {} for candidate in candidates}
        for done, scan in enumerate(scans, start=1):
            # One at a time: memory does not grow with the number of candidates.
            total = candidates[0].probabilities(scan).astype(np.float32)
            for candidate in candidates[1:]:
                total += candidate.probabilities(scan)
            consensus = total.argmax(axis=0).astype(np.uint8)
            for candidate in candidates:
                value = overlap(candidate.classes(scan), consensus, labels)
                figures[candidate.name][scan.id] = value
            progress(done, len(scans), scan.id)
        return figures
