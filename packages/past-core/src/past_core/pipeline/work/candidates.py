"""Systems that may be chosen, as validators see them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from past_core.case import Case
from past_core.interfaces import Segmenter
from past_core.labels import Labels
from past_core.pipeline.layout import model_path
from past_core.pipeline.work.answer import Answers, Predicted
from past_core.pipeline.work.predicted import Applied, Left
from past_core.pipeline.work.workspace import Work
from past_core.volume import Volume

__all__ = ["System", "systems_of"]


def systems_of(params: Mapping[str, Any], work: Work) -> list[System]:
    """The candidates that a stage's parameters name, in their order."""
    models = _Models(params["models"], work)
    labels = Labels(tuple(params["labels"]))
    return [
        System(entry["name"], entry["answers"], labels, models) for entry in params["candidates"]
    ]


class _Models:
    """Segmenters by the role of their predictions, each loaded once."""

    def __init__(self, entries: Mapping[str, Mapping[str, Any]], work: Work) -> None:
        self.work = work
        self._entries = entries
        self._loaded: dict[str, Segmenter] = {}
        self._scan = ""
        self._applied: dict[tuple[str, bytes], Applied] = {}

    def applied(self, role: str, scan: Case, volume: Volume) -> Applied:
        """A model applied to an image of a scan: once, however many systems ask for it.

        What was made of one scan is forgotten when the next one comes.
        """
        if scan.id != self._scan:
            self._scan, self._applied = scan.id, {}
        data = np.ascontiguousarray(volume.data)
        key = (role, hashlib.sha256(data.tobytes()).digest())
        if key not in self._applied:
            self._applied[key] = Applied(self.of(role), volume)
        return self._applied[key]

    def of(self, role: str) -> Segmenter:
        if role not in self._loaded:
            entry = self._entries[role]
            factory: type[Segmenter] = self.work.factory(entry["plugin"])
            folder = model_path(self.work.inputs[f"{role}-model"])
            self._loaded[role] = factory.load(folder, self.work.device, dict(entry["prediction"]))
        return self._loaded[role]


@dataclass(frozen=True)
class System:
    """One of them; see ``past_core.interfaces.Candidate``."""

    name: str
    answers: Mapping[str, Mapping[str, Sequence[str]]]
    """By scan and structure."""
    labels: Labels
    models: _Models

    def classes(self, scan: Case) -> npt.NDArray[np.uint8]:
        """Its segmentation of a scan."""
        return self._answers(scan).classes()

    def probabilities(self, scan: Case) -> npt.NDArray[np.float32]:
        """Its class probabilities of a scan."""
        return self._answers(scan).probabilities()

    def segment(self, scan: Case, volume: Volume) -> npt.NDArray[np.uint8]:
        """Segment another image in place of a scan's own."""
        found: dict[str, Predicted] = {
            role: self.models.applied(role, scan, volume) for role in self._roles(scan)
        }
        return Answers(self.answers[scan.id], found, self.labels).classes()

    def _answers(self, scan: Case) -> Answers:
        left = {role: Left(self.models.work.inputs[role], scan.id) for role in self._roles(scan)}
        return Answers(self.answers[scan.id], left, self.labels)

    def _roles(self, scan: Case) -> set[str]:
        return {role for roles in self.answers[scan.id].values() for role in roles}
