"""What validators share that look at one candidate and one scan at a time."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from past_core.interfaces import Validator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from past_core.case import Case
    from past_core.interfaces import Candidate, Figures, Progress
    from past_core.labels import Labels

__all__ = ["ScanWise"]


class ScanWise(Validator):
    """A validator whose figures depend on nothing but a candidate, a scan and the source."""

    def learn(self, source: Sequence[Case], labels: Labels) -> None:
        """See what structures look like in the source; nothing, unless a subclass wants to."""

    @abstractmethod
    def figure(self, candidate: Candidate, scan: Case, labels: Labels) -> float:
        """The figure of one candidate on one scan."""

    def assess(
        self,
        candidates: Sequence[Candidate],
        scans: Sequence[Case],
        source: Sequence[Case],
        labels: Labels,
        progress: Progress,
    ) -> Figures:
        """Every candidate on every scan; see ``Validator.assess``."""
        self.learn(source, labels)
        figures: Figures = {candidate.name: {} for candidate in candidates}
        total = len(candidates) * len(scans)
        done = 0
        # Scan by scan: candidates that share a model apply it once.
        for scan in scans:
            for candidate in candidates:
                figures[candidate.name][scan.id] = self.figure(candidate, scan, labels)
                done += 1
                progress(done, total, f"{candidate.name} {scan.id}")
        return figures
