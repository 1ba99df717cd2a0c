"""Which predictions answer for each scan and structure of a set of scans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from past_core.case import Case
from past_core.errors import ConfigError
from past_core.pipeline.address import Address
from past_core.pipeline.builder import Builder
from past_core.pipeline.pool import Scan
from past_core.pipeline.protocols import ALL, by_protocol
from past_core.pipeline.routes import Routes
from past_core.pipeline.scans import slug
from past_core.pipeline.settings import Choice
from past_core.pipeline.stage import Stage
from past_core.pipeline.tables import Model, OneOrMore, System, Use, addresses

__all__ = ["Answers", "Member"]


@dataclass(frozen=True)
class Member:
    """A trained model that answers for a structure."""

    fit: Stage
    choice: Choice
    """Its segmenter."""


class Answers:
    """Adds predictions of some scans to a graph, each when a system first asks for it.

    Parameters
    ----------
    builder
        Has the models.
    cases
        The scans.
    crop
        Gives the stage that cut them.
    first
        First word of the stages' names.
    """

    def __init__(
        self, builder: Builder, cases: Sequence[Case], crop: Callable[[], Stage], first: str
    ) -> None:
        self.builder = builder
        self.cases = cases
        self.systems = builder.systems
        self.routes = Routes.of(builder.dataset.target, self.systems.protocols)
        self.crop = crop
        self._first = first
        self._groups = by_protocol(cases)
        self._predicted: dict[tuple[object, ...], Stage] = {}

    def scans(self) -> list[Scan]:
        """The scans as a pool takes them."""
        crop = self.crop()
        return [Scan(case.id, case.domain, (crop, case.id)) for case in self.cases]

    def of(self, system: System, case: Case, inputs: dict[str, Stage]) -> dict[str, Any]:
        """What answers for a scan, as parameters of a stage.

        Parameters
        ----------
        inputs
            Predictions by role; those that are needed are added.

        Returns
        -------
        dict
            ``answers``, from structure to roles, and ``route``.

        Raises
        ------
        ConfigError
            If the system says nothing of a structure.
        """
        answers = {
            structure: [_role(inputs, stage) for stage in self._stages(system, structure, case)]
            for structure in self.builder.labels
        }
        return {"answers": answers, "route": self.route(system, case)}

    def trained(self, system: System) -> dict[str, dict[str, list[Member]]]:
        """By protocol and structure the trained models that answer for any scan of it.

        Protocols some of whose models this run does not train are left out.
        """
        found = {
            protocol: {
                structure: self._members(system, structure, protocol)
                for structure in self.builder.labels
            }
            for protocol in self.routes.served
        }
        return {
            protocol: {structure: list(members) for structure, members in answers.items()}
            for protocol, answers in found.items()
            if all(answers.values())
        }

    def _members(self, system: System, structure: str, protocol: str) -> list[Member]:
        """Models whose probabilities are averaged; nothing, if one of them is not trained."""
        members: list[Member] = []
        for address in _addresses(system, structure, protocol):
            for model, own, seed, number in self.systems.asked(address, protocol):
                known = self.builder.known(model, own, seed, number)
                if known is None:
                    return []
                trained, fit = known
                member = Member(fit, trained.choice)
                members += [member] if member not in members else []
        return members

    def route(self, system: System, case: Case) -> str:
        """What answers for a scan whose own protocol no model was made for."""
        served = self.routes.of_case(case)
        if case.protocol in served or not self._by_protocol(system):
            return ""
        rule = "average" if len(served) > 1 else "nearest"
        return f"{rule}: {', '.join(served)}"

    def _stages(self, system: System, structure: str, case: Case) -> list[Stage]:
        """Predictions that are averaged for a structure of a scan."""
        served = self.routes.of_case(case)
        chosen: list[Stage] = []
        for protocol in served:
            for address in _addresses(system, structure, protocol):
                chosen += [
                    stage
                    for stage in self._predictions(address, protocol, case)
                    if stage not in chosen
                ]
        return chosen

    def _predictions(self, address: Address, served: str, case: Case) -> list[Stage]:
        self.builder.require_protocols([address.protocol], f"'{address}'")
        group = case.protocol or ALL
        return [self._predict(*asked, group) for asked in self.systems.asked(address, served)]

    def _predict(
        self, model: Model, protocol: str | None, seed: int, number: int, group: str
    ) -> Stage:
        """The scans of one protocol by one round of one model."""
        key = (model.name, protocol, seed, number, group)
        if key not in self._predicted:
            crop = self.crop()
            scans = [Scan(c.id, c.domain, (crop, c.id)) for c in self._groups[group]]
            last = f"-on-{slug(group)}" if len(self._groups) > 1 else ""
            trained = self.builder.trained(model, protocol, seed, number)
            name = self._first, last
            self._predicted[key] = self.builder.predict(trained, number, scans, name=name)
        return self._predicted[key]

    def _by_protocol(self, system: System) -> bool:
        where = f"system {system.name}"
        named = [address for use in system.uses() for address in addresses(use, where)]
        candidates = map(self.systems.find_system, system.choose)
        return any(map(self._by_protocol, candidates)) or any(
            self.systems.find_model(address.name).each and address.protocol is None
            for address in named
        )


def _addresses(system: System, structure: str, protocol: str) -> list[Address]:
    where = f"system {system.name}"
    for use in (system.structures.get(structure), system.use):
        found = None if use is None else _of_protocol(use, protocol)
        if found is not None:
            return addresses(found, where)
    raise ConfigError(
        f"{where}: says nothing of {structure} in scans of protocol '{protocol}'. Add it to "
        "the use or the structures of that system."
    )


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
