"""What rounds of self-training selected, read from a run's files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from past_core.case import Domain
from past_core.pipeline.layout import SELECTION, STAGES
from past_core.pipeline.opened import Run

__all__ = ["Selection", "selections_of"]

_SELECT = re.compile(r"select-(?P<model>.+)-st(?P<round>\d+)-[0-9a-f]+")


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
    least: Mapping[str, float | None]
    """The lowest confidence with which any of those was kept; None if none was."""

    def share(self, structure: str) -> float:
        """Kept voxels per predicted one; 0 if there are none."""
        predicted = self.predicted[structure]
        return self.kept[structure] / predicted if predicted else 0.0


def selections_of(run: Run) -> list[Selection]:
    """Of a run's finished rounds, by model and round."""
    found = []
    for name in run.record.get("stages", ()):
        path, match = run.folder / STAGES / name / SELECTION, _SELECT.fullmatch(name)
        if match and path.is_file():
            cases = json.loads(path.read_text())["cases"]
            found += [
                _selection(match["model"], int(match["round"]), domain, path.parent, members)
                for domain in Domain
                if (members := {n: case for n, case in cases.items() if case["domain"] == domain})
            ]
    return sorted(found, key=lambda one: (one.model, one.round))


def _selection(
    model: str, number: int, domain: Domain, folder: Path, members: Mapping[str, Any]
) -> Selection:
    cases = list(members.values())
    classes = cases[0]["predicted"]
    least = {
        name: [case["least"][name] for case in cases if case["least"][name] is not None]
        for name in classes
    }
    return Selection(
        model,
        number,
        domain,
        folder,
        tuple(members),
        {name: sum(case["predicted"][name] for case in cases) for name in classes},
        {name: sum(case["kept"][name] for case in cases) for name in classes},
        {name: min(values, default=None) for name, values in least.items()},
    )
