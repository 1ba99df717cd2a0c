"""What rounds of self-training selected, read from a run's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from past_core.case import Domain
from past_core.pipeline.alone import learnt_alone
from past_core.pipeline.layout import SELECTION, STAGES
from past_core.pipeline.opened import Run
from past_core.pipeline.recorded import ANEW, SelectionFile, read_recorded

__all__ = ["Selection", "selections_of"]


@dataclass(frozen=True)
class Selection:
    """What a round selected of the scans of one domain."""

    model: str
    """With protocol and seed, as its stages have it."""
    round: int
    domain: Domain
    folder: Path
    """Where the pseudo-labels lie."""
    cases: tuple[str, ...]
    """Ids of its scans."""
    predicted: Mapping[str, int]
    """Voxels predicted as each class, background too."""
    kept: Mapping[str, int]
    """Voxels of each class that have become pseudo-labels."""
    guessed: Mapping[str, int]
    """How many of those had a probability below a half."""
    added: Mapping[str, int]
    """Kept voxels that the image gave to each class though another is predicted."""
    taken: Mapping[str, int]
    """Predicted voxels of each class that the image gave to another."""
    alone: bool
    """Whether the target's labels can be learnt from without translated scans."""

    def share(self, structure: str) -> float:
        """Kept voxels per predicted one; 0 if there are none."""
        predicted = self.predicted[structure]
        return self.kept[structure] / predicted if predicted else 0.0

    def size(self, structure: str) -> float:
        """Predicted voxels a scan."""
        return self.predicted[structure] / len(self.cases)

    def taught_size(self, structure: str) -> float:
        """Voxels a scan of what is predicted, with what the image added and took away."""
        moved = self.added[structure] - self.taken[structure]
        return self.size(structure) + moved / len(self.cases)


def selections_of(run: Run) -> list[Selection]:
    """Of a run's finished rounds, by model and round."""
    found = []
    for one in run.record.get("selections", ()):
        path = run.folder / STAGES / one["stage"] / SELECTION
        if path.is_file():
            cases = read_recorded(path, SelectionFile, ANEW.format(path.parent))["cases"]
            found += [
                _selection(one["model"], one["round"], domain, path.parent, members)
                for domain in Domain
                if (members := {n: case for n, case in cases.items() if case["domain"] == domain})
            ]
    return sorted(found, key=lambda one: (one.model, one.round))


def _selection(
    model: str, number: int, domain: Domain, folder: Path, members: Mapping[str, Any]
) -> Selection:
    classes = next(iter(members.values()))["predicted"]
    predicted, kept, guessed, added, taken = (
        # Runs of before 0.1 counted less.
        {n: sum(case.get(what, {}).get(n, 0) for case in members.values()) for n in classes}
        for what in ("predicted", "kept", "guessed", "added", "taken")
    )
    return Selection(
        model,
        number,
        domain,
        folder,
        tuple(members),
        predicted,
        kept,
        guessed,
        added,
        taken,
        alone=learnt_alone(members.values()),
    )
