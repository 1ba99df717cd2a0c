"""Systems applied to scans: predictions are combined, or one of several chosen, and scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from past_core.case import Case
from past_core.errors import ConfigError
from past_core.pipeline.answers import Answers, Member
from past_core.pipeline.builder import Builder
from past_core.pipeline.pool import Pool
from past_core.pipeline.protocols import spread
from past_core.pipeline.settings import Settings
from past_core.pipeline.stage import Stage
from past_core.pipeline.tables import System
from past_core.plugins import MetricSpec
from past_core.probabilities import Precision
from past_core.scoring import VALIDATION

__all__ = ["Application", "PlannedSystem"]


GENERATION = {"choose": 2, "trust": 1}
"""Of the stages that judge: of equal candidates another one was chosen once."""


@dataclass(frozen=True)
class PlannedSystem:
    """Where a system's results will be."""

    name: str
    segmentations: Stage
    scores: Stage | None
    """None where no scan has a label."""
    supervised: bool
    """Whether target labels decide: a model sees them (an upper bound), or it is chosen by them."""
    choice: Stage | None = None
    """Where the system that it takes is chosen, if it chooses."""
    trust: Stage | None = None
    """Then, how far each of its segmentations may be trusted."""
    candidates: tuple[str, ...] = ()
    """Then, the systems that it takes one of."""
    probabilities: Stage | None = None
    """Where its class probabilities are kept, if they are."""


class Application:
    """Adds the stages of systems to a builder's graph."""

    def __init__(self, builder: Builder, settings: Settings) -> None:
        self.builder = builder
        self.settings = settings
        self.systems = settings.systems
        self.dataset = builder.dataset
        self.segmented = Answers(builder, self.dataset.segmented, builder.cropped_test, "predict-")
        judged = spread(self.dataset.target, self.systems.judge.scans)
        self.judged = Answers(builder, judged, builder.cropped_target, "judge-")
        """Scans that candidates are judged on, without their labels; some may be scored as well."""

    def impossible(self, system: System) -> str | None:
        """Why a system cannot be built from this data set, if it cannot."""
        if not self.systems.supervised(system):
            return None
        scored = {case.id for case in self.dataset.segmented}
        cases = [case for case in self.dataset.target if case.id not in scored]
        missing = [case.id for case in cases if case.label is None]
        if missing:
            return (
                f"{system.name} trains on target labels, but {len(missing)} target case(s) have "
                f"none ({', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}). Run "
                "without it."
            )
        if len(cases) < 2:
            return (
                f"{system.name} trains on target labels, but all but {len(cases)} of the labelled "
                "target scans are test scans too (where none are named, all are), whose labels are "
                "for scoring only. Name other test scans (--test), or run without it."
            )
        return None

    def build(self, system: System) -> PlannedSystem:
        """Predict, combine and score."""
        builder = self.builder
        inputs: dict[str, Stage] = {}
        cases = [
            {"id": case.id, **said}
            for case, said in zip(self.dataset.segmented, self._said(system, inputs), strict=True)
        ]
        choice = trust = None
        if system.choose:
            choice = self._choice(system)
            trust = self._judge("trust", system, self.segmented, {"choice": choice})
        combined = builder.add(
            f"combine-{system.name}",
            "combine:combine",
            {"roi": builder.roi, "labels": builder.labels, "cases": cases},
            {
                **inputs,
                "scans": self.segmented.crop(),
                **({} if choice is None else {"choice": choice}),
            },
        )
        scores = self._score(system, combined)
        return PlannedSystem(
            system.name,
            combined,
            scores,
            self.systems.supervised(system) or system.by == VALIDATION,
            choice,
            trust,
            system.choose,
        )

    def with_probabilities(self, planned: PlannedSystem, precision: Precision) -> PlannedSystem:
        """The same, with a stage that keeps class probabilities on the scans' own grids."""
        combined = planned.segmentations
        stage = self.builder.add(
            f"probabilities-{planned.name}",
            "combine:keep_probabilities",
            {**combined.params, "precision": precision},
            dict(combined.inputs),
        )
        return replace(planned, probabilities=stage)

    def members(self, name: str) -> dict[str, dict[str, list[Member]]]:
        """What answers for any scan, by protocol and structure, of a system that uses models."""
        return self.segmented.trained(self.systems.find_system(name))

    def _said(self, system: System, inputs: dict[str, Stage]) -> list[dict[str, Any]]:
        """Of every scan what answers for it, or what does for each candidate."""
        self._require_structures(system)
        if not system.choose:
            return [self.segmented.of(system, case, inputs) for case in self.dataset.segmented]
        candidates = [self.systems.find_system(name) for name in system.choose]
        for candidate in candidates:
            self._require_structures(candidate)
        return [
            {"candidates": {c.name: self.segmented.of(c, case, inputs) for c in candidates}}
            for case in self.dataset.segmented
        ]

    def _choice(self, system: System) -> Stage:
        """Where one of a system's candidates is chosen."""
        if system.by == "figures":
            return self._judge("choose", system, self.judged, {})
        known = self._validation()
        if not known:
            raise ConfigError(
                f"system {system.name} chooses by validation scans, but data set "
                f"{self.dataset.name} has none with a label. Add a part 'validation' (--validation "
                "and --validation-labels), or choose by figures."
            )
        spec = self.settings.registry.find("metric", system.metric).spec
        if isinstance(spec, MetricSpec) and not spec.higher_is_better:
            raise ConfigError(
                f"system {system.name} chooses by {system.metric}, of which less is better. Choose "
                "by another metric, such as dice."
            )
        built = [self.build(self.systems.find_system(name)) for name in system.choose]
        cases, files = self._references(known)
        return self.builder.add(
            f"choose-{system.name}",
            "choose:choose_by_validation",
            {
                "labels": self.builder.labels,
                "candidates": list(system.choose),
                "metric": self.settings.choice("metric", system.metric, {}).whole(),
                "cases": cases,
            },
            {one.name: one.segmentations for one in built},
            incidental={"files": files},
        )

    def _validation(self) -> list[Case]:
        return [case for case in self.dataset.validation if case.label is not None]

    def _references(self, cases: Sequence[Case]) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """Labelled scans by id and content of their labels, and where those lie."""
        inventory = self.builder.inventory
        entries = [{"id": case.id, "label": inventory.of(case.label)} for case in cases]
        labels = {entry["label"] for entry in entries}
        return entries, {key: path for key, path in inventory.places.items() if key in labels}

    def _judge(self, what: str, system: System, answers: Answers, more: dict[str, Stage]) -> Stage:
        """Validators judge the candidates on scans."""
        predictions: dict[str, Stage] = {}
        candidates = []
        for name in system.choose:
            candidate = self.systems.find_system(name)
            said = {
                case.id: answers.of(candidate, case, predictions)["answers"]
                for case in answers.cases
            }
            candidates.append({"name": name, "answers": said})
        models = {
            role: {key: stage.params[key] for key in ("plugin", "prediction")}
            for role, stage in predictions.items()
        }
        source = self.builder.source()
        pool = Pool([*source, *answers.scans()])
        validators = [self.settings.choice("validator", name, {}) for name in system.validators]
        params = {
            "labels": self.builder.labels,
            "validators": [validator.whole() for validator in validators],
            "source": pool.entries[: len(source)],
            "cases": pool.entries[len(source) :],
            "models": models,
            "candidates": candidates,
        }
        return self.builder.add(
            f"{what}-{system.name}",
            f"choose:{what}",
            params,
            {
                **more,
                **pool.inputs,
                **predictions,
                **{f"{role}-model": stage.inputs["model"] for role, stage in predictions.items()},
            },
            generation=GENERATION[what],
        )

    def _score(self, system: System, combined: Stage) -> Stage | None:
        parts: list[tuple[Case, dict[str, str]]] = [
            *((case, {}) for case in self.dataset.test if case.label is not None),
            *((case, {"part": VALIDATION}) for case in self._validation()),
        ]
        if not parts:
            return None
        entries, places = self._references([case for case, _ in parts])
        cases = [
            {**entry, "route": self.segmented.route(system, case), **part}
            for entry, (case, part) in zip(entries, parts, strict=True)
        ]
        params = {
            "system": system.name,
            "labels": self.builder.labels,
            "metrics": [metric.whole() for metric in self.settings.metrics],
            "cases": cases,
        }
        return self.builder.add(
            f"score-{system.name}",
            "score:score",
            params,
            {"segmentations": combined},
            incidental={"files": places},
        )

    def _require_structures(self, system: System) -> None:
        for structure in system.structures:
            if structure not in self.builder.labels:
                raise ConfigError(
                    f"system {system.name}: data set {self.dataset.name} has no structure "
                    f"'{structure}', but {', '.join(self.builder.labels)}. "
                    "Correct the systems file."
                )
        for use in system.uses():
            if isinstance(use, dict):
                self.builder.require_protocols([*use], f"system {system.name}")
