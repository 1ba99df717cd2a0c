"""Agreement with each of the other candidates."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from past_core.interfaces import Validator
from past_core.validators.overlap import overlap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from past_core.case import Case
    from past_core.interfaces import Candidate, Figures, Progress
    from past_core.labels import Labels

__all__ = ["Pairwise"]


class Pairwise(Validator):
    """Mean Dice, 0 to 1, of a candidate's segmentation with those of all others.

    Unlike ``agreement`` every candidate has one vote, however sure it is.
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
        """Mean over the others, ``nan`` without any; see ``Validator.assess``."""
        figures: Figures = {candidate.name: {} for candidate in candidates}
        for done, scan in enumerate(scans, start=1):
            found = [candidate.classes(scan) for candidate in candidates]
            for one, candidate in enumerate(candidates):
                values = [
                    overlap(found[one], other, labels)
                    for number, other in enumerate(found)
                    if number != one
                ]
                figures[candidate.name][scan.id] = (
                    math.fsum(values) / len(values) if values else math.nan
                )
            progress(done, len(scans), scan.id)
        return figures
