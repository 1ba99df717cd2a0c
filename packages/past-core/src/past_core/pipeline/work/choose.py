"""Which of several systems to apply, by figures that need no label of the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from past_core.case import Case, Domain
from past_core.files import write_json
from past_core.interfaces import Segmenter, Validator
from past_core.labels import Labels
from past_core.pipeline.layout import CHOICE, model_path
from past_core.pipeline.work.answer import Answers, Predicted
from past_core.pipeline.work.predicted import Applied, Left
from past_core.pipeline.work.workspace import Work
from past_core.ranking import best, mean_figures
from past_core.volume import Volume

__all__ = ["choose"]


def choose(params: Mapping[str, Any], work: Work) -> None:
    """Let validators judge every candidate on unlabelled scans; write figures and the best.

    Parameters
    ----------
    params
        ``labels``; ``validators`` (plugins); ``cases`` (target scans) and ``source`` (with
        labels); ``models``, of each prediction's role its segmenter ``plugin`` and
        ``prediction`` settings, whose model is the input ``ROLE-model``; ``candidates`` in order
        of preference, of each its ``name`` and by scan its ``answers``.
    """
    labels = Labels(tuple(params["labels"]))
    scans = [work.case(entry, Domain.TARGET) for entry in params["cases"]]
    source = [work.case(entry, Domain.SOURCE) for entry in params["source"]]
    models = _Models(params["models"], work)
    candidates = [
        _Candidate(entry["name"], entry["answers"], labels, models)
        for entry in params["candidates"]
    ]
    names = [candidate.name for candidate in candidates]
    figures = {}
    for plugin in params["validators"]:
        validator: Validator = work.create(plugin)
        figures[plugin["name"]] = validator.assess(candidates, scans, source, labels, work.progress)
    chosen, ranks = best(figures, names)
    write_json(
        work.folder / CHOICE,
        {
            "chosen": chosen,
            "ranks": ranks,
            "means": {name: mean_figures(found) for name, found in figures.items()},
            "figures": figures,
        },
    )


class _Models:
    """Segmenters by the role of their predictions, each loaded once."""

    def __init__(self, entries: Mapping[str, Mapping[str, Any]], work: Work) -> None:
        self.work = work
        self._entries = entries
        self._loaded: dict[str, Segmenter] = {}

    def of(self, role: str) -> Segmenter:
        if role not in self._loaded:
            entry = self._entries[role]
            factory: type[Segmenter] = self.work.factory(entry["plugin"])
            folder = model_path(self.work.inputs[f"{role}-model"])
            self._loaded[role] = factory.load(folder, self.work.device, dict(entry["prediction"]))
        return self._loaded[role]


@dataclass(frozen=True)
class _Candidate:
    """A system as validators see it; see ``past_core.interfaces.Candidate``."""

    name: str
    answers: Mapping[str, Mapping[str, Sequence[str]]]
    """By scan and structure."""
    labels: Labels
    models: _Models

    def classes(self, scan: Case) -> npt.NDArray[np.uint8]:
        return self._answers(scan).classes()

    def probabilities(self, scan: Case) -> npt.NDArray[np.float32]:
        return self._answers(scan).probabilities()

    def segment(self, scan: Case, volume: Volume) -> npt.NDArray[np.uint8]:
        found: dict[str, Predicted] = {
            role: Applied(self.models.of(role), volume) for role in self._roles(scan)
        }
        return Answers(self.answers[scan.id], found, self.labels).classes()

    def _answers(self, scan: Case) -> Answers:
        left = {role: Left(self.models.work.inputs[role], scan.id) for role in self._roles(scan)}
        return Answers(self.answers[scan.id], left, self.labels)

    def _roles(self, scan: Case) -> set[str]:
        return {role for roles in self.answers[scan.id].values() for role in roles}
