"""Scans that a training, a labelling or a selection is handed, drawn from several stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from past_core.case import Domain
from past_core.pipeline.stage import Stage

__all__ = ["Pool", "Scan"]


@dataclass(frozen=True)
class Scan:
    """One scan by the stages that hold its image and its label."""

    id: str
    """Unique within its pool."""
    domain: Domain
    image: tuple[Stage, str]
    """The stage that wrote the image, and the scan's id there."""
    label: tuple[Stage, str] | None = None
    weight: float = 1.0
    """How often a training draws it, relative to the others."""
    unless: str | None = None
    """Where a training leaves it out, as ``Images.unless``."""


class Pool:
    """Scans as a stage's parameters and inputs name them.

    Roles of inputs (``images``, ``images2``, ``labels``) say nothing of what stages are called,
    so two pools of the same content make the same stage.
    """

    def __init__(self, scans: Sequence[Scan], *, labelled: bool = True) -> None:
        self.inputs: dict[str, Stage] = {}
        self.entries: list[dict[str, Any]] = []
        for scan in scans:
            entry: dict[str, Any] = {"id": scan.id, "domain": str(scan.domain)}
            entry["images"] = [self._role("images", scan.image[0]), scan.image[1]]
            if labelled and scan.label is not None:
                entry["labels"] = [self._role("labels", scan.label[0]), scan.label[1]]
            if labelled and scan.weight != 1:
                entry["weight"] = scan.weight
            if labelled and scan.unless is not None:
                entry["unless"] = scan.unless
            self.entries.append(entry)

    def _role(self, what: str, stage: Stage) -> str:
        for role, known in self.inputs.items():
            if known is stage and role.rstrip("0123456789") == what:
                return role
        number = sum(role.rstrip("0123456789") == what for role in self.inputs)
        role = what if not number else f"{what}{number + 1}"
        self.inputs[role] = stage
        return role


def told_apart(groups: Sequence[tuple[str, Sequence[Scan]]]) -> list[list[Scan]]:
    """Groups of scans whose ids are unique over all of them.

    Parameters
    ----------
    groups
        A word for each group, which its scans get behind their ids where an earlier group has
        the same id: ``crossmoda_1`` and ``crossmoda_1_448``.
    """
    seen: set[str] = set()
    result = []
    for number, (word, scans) in enumerate(groups, start=1):
        clash = any(scan.id in seen for scan in scans)
        renamed = [replace(s, id=f"{s.id}_{word or number}") if clash else s for s in scans]
        if any(scan.id in seen for scan in renamed):
            renamed = [replace(s, id=f"{s.id}_{number}") for s in scans]
        seen.update(scan.id for scan in renamed)
        result.append(renamed)
    return result
