"""Which models answer for a scan and structure: predictions, combinations, scores of systems."""

from __future__ import annotations

from dataclasses import dataclass

from past_core.case import Case
from past_core.errors import ConfigError
from past_core.pipeline.address import Address
from past_core.pipeline.builder import Builder
from past_core.pipeline.pool import Scan
from past_core.pipeline.protocols import ALL, Routes, by_protocol
from past_core.pipeline.scans import slug
from past_core.pipeline.settings import Settings
from past_core.pipeline.stage import Stage
from past_core.pipeline.systems import Model, OneOrMore, System, Use, addresses

__all__ = ["Answers", "PlannedSystem"]


@dataclass(frozen=True)
class PlannedSystem:
    """Where a system's results will be."""

    name: str
    segmentations: Stage
    scores: Stage | None
    """None where no scan has a label."""
    supervised: bool
    """Whether a model of it sees labels of target scans: an upper bound."""


class Answers:
    """Adds predictions, combinations and scores of systems to a builder's graph."""

    def __init__(self, builder: Builder, settings: Settings) -> None:
        self.builder = builder
        self.settings = settings
        self.dataset = builder.dataset
        self.routes = Routes.of(builder.dataset.target, settings.systems.protocols)
        self.groups = by_protocol(builder.dataset.segmented)
        self._predicted: dict[tuple[object, ...], Stage] = {}

    def impossible(self, system: System) -> str | None:
        """Why a system cannot be built from this data set, if it cannot."""
        if not self._supervised(system):
            return None
        scored = {case.id for case in self.dataset.segmented}
        cases = [case for case in self.dataset.target if case.id not in scored]
        missing = [case.id for case in cases if case.label is None]
        if missing:
            return (
                f"the oracle trains on target labels, but {len(missing)} target case(s) have none "
                f"({', '.join(missing[:3])}{', ...' if len(missing) > 3 else ''}). "
                "Run without the oracle."
            )
        if len(cases) < 2:
            return (
                f"the oracle trains on target labels, but all but {len(cases)} of the labelled "
                "target scans are test scans too, whose labels are for scoring only."
            )
        return None

    def build(self, system: System) -> PlannedSystem:
        """Predict, combine and score."""
        builder = self.builder
        crop = self._crop()
        self._require_structures(system)
        inputs: dict[str, Stage] = {}
        cases = []
        for case in self.dataset.segmented:
            answers = {
                structure: [_role(inputs, stage) for stage in self._stages(system, structure, case)]
                for structure in builder.labels
            }
            cases.append({"id": case.id, "answers": answers, "route": self._route(system, case)})
        combined = builder.add(
            f"combine-{system.name}",
            "combine:combine",
            {"roi": builder.roi, "labels": builder.labels, "cases": cases},
            {**inputs, "scans": crop},
        )
        return PlannedSystem(
            system.name, combined, self._score(system, combined), self._supervised(system)
        )

    def _score(self, system: System, combined: Stage) -> Stage | None:
        inventory = self.builder.inventory
        cases = [
            {
                "id": case.id,
                "label": inventory.of(case.label),
                "route": self._route(system, case),
                **part,
            }
            for members, part in (
                (self.dataset.test, {}),
                (self.dataset.validation, {"part": "validation"}),
            )
            for case in members
            if case.label is not None
        ]
        if not cases:
            return None
        labels = {case["label"] for case in cases}
        places = {key: path for key, path in inventory.places.items() if key in labels}
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

    def _stages(self, system: System, structure: str, case: Case) -> list[Stage]:
        """Predictions that are averaged for a structure of a scan."""
        served = self.routes.of_case(case)
        chosen: list[Stage] = []
        for protocol in served:
            for address in self._addresses(system, structure, protocol):
                chosen += [
                    stage
                    for stage in self._predictions(address, protocol, case)
                    if stage not in chosen
                ]
        return chosen

    def _addresses(self, system: System, structure: str, protocol: str) -> list[Address]:
        where = f"system {system.name}"
        for use in (system.structures.get(structure), system.use):
            found = None if use is None else _of_protocol(use, protocol)
            if found is not None:
                return addresses(found, where)
        raise ConfigError(
            f"{where}: says nothing of {structure} in scans of protocol '{protocol}'. Add it to "
            "the use or the structures of that system."
        )

    def _predictions(self, address: Address, served: str, case: Case) -> list[Stage]:
        model = self.settings.systems.find_model(address.name)
        number = len(model.rounds) if address.round is None else address.round
        protocol = (address.protocol or served) if model.each else None
        self.builder.require_protocols([address.protocol], f"'{address}'")
        seeds = model.seeds if address.seed is None else (address.seed,)
        group = case.protocol or ALL
        return [self._predict(model, protocol, seed, number, group) for seed in seeds]

    def _predict(
        self, model: Model, protocol: str | None, seed: int, number: int, group: str
    ) -> Stage:
        """Test scans of one protocol by one round of one model."""
        key = (model.name, protocol, seed, number, group)
        if key not in self._predicted:
            crop = self._crop()
            scans = [Scan(c.id, c.domain, (crop, c.id)) for c in self.groups[group]]
            last = f"-on-{slug(group)}" if len(self.groups) > 1 else ""
            trained = self.builder.trained(model, protocol, seed, number)
            self._predicted[key] = self.builder.predict(trained, number, scans, "predict-", last)
        return self._predicted[key]

    def _crop(self) -> Stage:
        """All scans that are segmented, without their labels."""
        return self.builder.crop("test", self.dataset.segmented, images=True, labels=False)

    def _route(self, system: System, case: Case) -> str:
        """What answers for a scan whose own protocol no model was made for."""
        served = self.routes.of_case(case)
        if case.protocol in served or not self._by_protocol(system):
            return ""
        rule = "average" if len(served) > 1 else "nearest"
        return f"{rule}: {', '.join(served)}"

    def _by_protocol(self, system: System) -> bool:
        uses = (system.use, *system.structures.values())
        models = [(a, self.settings.systems.find_model(a.name)) for a in _all(uses, system.name)]
        return any(model.each and address.protocol is None for address, model in models)

    def _supervised(self, system: System) -> bool:
        named = _all((system.use, *system.structures.values()), system.name)
        return any(self.settings.systems.find_model(one.name).supervised for one in named)

    def _require_structures(self, system: System) -> None:
        for structure in system.structures:
            if structure not in self.builder.labels:
                raise ConfigError(
                    f"system {system.name}: data set {self.dataset.name} has no structure "
                    f"'{structure}', but {', '.join(self.builder.labels)}. "
                    "Correct the systems file."
                )
        for use in (system.use, *system.structures.values()):
            if isinstance(use, dict):
                self.builder.require_protocols([*use], f"system {system.name}")


def _all(uses: tuple[Use, ...], where: str) -> list[Address]:
    return [address for use in uses for address in addresses(use, where)]


def _of_protocol(use: Use, protocol: str) -> OneOrMore | None:
    return use.get(protocol) if isinstance(use, dict) else use


def _role(inputs: dict[str, Stage], stage: Stage) -> str:
    """The role of a prediction; roles are numbers, since names of stages mean nothing."""
    for role, known in inputs.items():
        if known is stage:
            return role
    role = f"model{len(inputs) + 1}"
    inputs[role] = stage
    return role
