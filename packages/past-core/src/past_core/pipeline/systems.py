"""Systems files: which translators, segmenters and rounds there are, and what answers for a scan.

::

    [[translation]]
    name = "aligned"
    translator = "nicegan"
    each = "protocol"                 # one for each protocol of the target

    [[model]]
    name = "nnunet"
    segmenter = "nnunet"
    each = "protocol"
    images = [{ from = "aligned" }]   # within `each`, its own protocol's
    [[model.round]]                   # Algorithm 1
    repeat = 2
    strategy = "top-q"
    settings = { q = 0.6 }
    images = [{ from = "aligned", labels = "replace" }, { from = "target" }]

    [[system]]
    name = "past"
    use = "nnunet"                    # no @: the scan's own protocol; no /: the last round
    structures = { vs = "resunet" }

A recipe says how large plugins are and how long they train; all else is said here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import Field, model_validator

from past_core.config import PluginConfig
from past_core.pipeline.address import Address
from past_core.pipeline.images import check_images, check_round_images
from past_core.pipeline.protocols import ProtocolRule
from past_core.pipeline.tables import Crop, Judge, Model, System, Translation, addresses

__all__ = ["Systems"]


class Systems(PluginConfig):
    """A systems file's content; names are unique without regard to case."""

    summary: str = ""
    """One line for listings."""
    crop: Crop = Crop()
    """What is done to every scan first."""
    protocols: ProtocolRule = ProtocolRule()
    """How a target scan's protocol is known."""
    judge: Judge = Judge()
    """How candidates are judged, where a system chooses."""
    translation: tuple[Translation, ...] = ()
    model: tuple[Model, ...] = Field(min_length=1)
    system: tuple[System, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fits_together(self) -> Systems:
        parts = [one.name for one in self.translation] + [one.name for one in self.model]
        for what, names in (
            ("translations and models", parts),
            ("systems", [one.name for one in self.system]),
        ):
            lower = [name.lower() for name in names]
            if twice := sorted({name for name in lower if lower.count(name) > 1}):
                raise ValueError(f"{what}: {', '.join(twice)} is named twice")
        for number, model in enumerate(self.model):
            _check_images(self, model)
            _check_start(model, self.model[:number])
            _check_teachers(model, self.model[:number])
        for system in self.system:
            for use in system.uses():
                for address in addresses(use, f"system {system.name}"):
                    _check_address(self, system, address)
        for system in self.system:
            _check_choice(self, system)
        return self

    def find_model(self, name: str) -> Model:
        """The model of this name, which must be there."""
        return next(model for model in self.model if model.name == name)

    def find_system(self, name: str) -> System:
        """The system of this name, which must be there."""
        return next(system for system in self.system if system.name == name)

    def asked(
        self, address: Address, served: str | None, last: int | None = None
    ) -> list[tuple[Model, str | None, int, int]]:
        """Model, protocol, seed and round of each training that an address names.

        Parameters
        ----------
        served
            The protocol that is meant where the address names none.
        last
            The round that is meant where it names none; by default the model's last.
        """
        model = self.find_model(address.name)
        last = len(model.rounds) if last is None else last
        number = last if address.round is None else address.round
        protocol = (address.protocol or served) if model.each else None
        seeds = model.seeds if address.seed is None else (address.seed,)
        return [(model, protocol, seed, number) for seed in seeds]

    def supervised(self, system: System) -> bool:
        """Whether a model of the system sees labels of target scans: an upper bound."""
        named = [a for use in system.uses() for a in addresses(use, f"system {system.name}")]
        return any(self._sees_target_labels(self.find_model(one.name)) for one in named)

    def _sees_target_labels(self, model: Model) -> bool:
        """Whether it, a model that it starts from or one of their teachers does."""
        lineage = self.lineage(model)
        teachers = {
            Address.parse(text, f"model {one.name}, teachers").name
            for one in lineage
            for each in one.round
            for text in each.teachers
        }
        others = [
            self.find_model(name) for name in sorted(teachers - {one.name for one in lineage})
        ]
        return any(one.supervised for one in lineage) or any(
            self._sees_target_labels(one) for one in others
        )

    def lineage(self, model: Model) -> list[Model]:
        """The model, the one it starts from, and so on."""
        found = [model]
        while found[-1].start is not None:
            found.append(self.find_model(found[-1].start))
        return found

    def find_translation(self, name: str) -> Translation | None:
        """The translation of this name, if there is one."""
        return next((one for one in self.translation if one.name == name), None)

    def uses(self) -> Iterable[tuple[str, str, dict[str, Any]]]:
        """Kind, name and the file's own settings of every plugin in use."""
        for translation in self.translation:
            yield "translator", translation.translator, translation.settings
        for model in self.model:
            yield "segmenter", model.segmenter, model.settings
            for one in model.round:
                if one.strategy is not None:
                    yield "strategy", one.strategy, one.settings
        for system in self.system:
            for validator in system.validators if system.choose else ():
                yield "validator", validator, {}


def _check_images(systems: Systems, model: Model) -> None:
    where = f"model {model.name}"
    check_images(model.images, where)
    for number, entry in enumerate(model.round, start=1):
        check_round_images(entry.images, f"{where}, entry {number} of its rounds")
    for one in (*model.images, *(i for r in model.round for i in r.images)):
        if one.origin not in ("source", "target"):
            _check_origin(systems, one.origin, where)


def _check_start(model: Model, before: Sequence[Model]) -> None:
    if model.start is None:
        return
    where = f"model {model.name}, start"
    other = next((one for one in before if one.name == model.start), None)
    if other is None:
        raise ValueError(
            f"{where}: no model '{model.start}' before it; there are {_names(before) or 'none'}"
        )
    for what in ("segmenter", "each", "seeds"):
        own, its = getattr(model, what), getattr(other, what)
        if own != its:
            raise ValueError(f"{where}: '{other.name}' has another {what}, {its} and not {own}")


def _check_teachers(model: Model, before: Sequence[Model]) -> None:
    for k, one in enumerate(model.rounds, start=1):
        where = f"model {model.name}, teachers of round {k}"
        for text in one.teachers:
            address = Address.parse(text, where)
            known = [*before, model]
            teacher = next((other for other in known if other.name == address.name), None)
            if teacher is None:
                raise ValueError(
                    f"{where}: no model '{address.name}' before it; there are {_names(known)}"
                )
            _check_parts(f"{where}: '{text}'", teacher, address)
            if teacher is model and (address.round or 0) >= k:
                raise ValueError(f"{where}: '{text}' is not trained by then")
            if teacher.each and not model.each and address.protocol is None:
                raise ValueError(f"{where}: '{text}' needs a protocol, as in {address.name}@448")


def _check_origin(systems: Systems, origin: str, where: str) -> None:
    address = Address.parse(origin, where)
    translation = systems.find_translation(address.name)
    if translation is None:
        known = ", ".join(["source", "target", *(t.name for t in systems.translation)])
        raise ValueError(f"{where}: from '{origin}' is no translation; known: {known}")
    if address.round is not None or address.seed is not None:
        raise ValueError(f"{where}: from '{origin}' has a round or seed")
    if address.protocol is not None and translation.each is None:
        raise ValueError(f"{where}: from '{origin}', but that translation is one for all")


def _check_choice(systems: Systems, system: System) -> None:
    where = f"system {system.name}, choose"
    for name in system.choose:
        other = next((one for one in systems.system if one.name == name), None)
        if other is None:
            raise ValueError(f"{where}: no system '{name}'; there are {_names(systems.system)}")
        if other.choose:
            raise ValueError(f"{where}: '{name}' chooses too; name those that it chooses among")
        if systems.supervised(other):
            raise ValueError(f"{where}: '{name}' sees target labels")


def _check_address(systems: Systems, system: System, address: Address) -> None:
    where = f"system {system.name}: '{address}'"
    model = next((m for m in systems.model if m.name == address.name), None)
    if model is None:
        raise ValueError(f"{where}: no such model; there are {_names(systems.model)}")
    _check_parts(where, model, address)


def _check_parts(where: str, model: Model, address: Address) -> None:
    """Protocol, round and seed that an address names must be there."""
    if address.protocol is not None and model.each is None:
        raise ValueError(f"{where}: {model.name} is one model for all protocols")
    if address.round is not None and address.round > len(model.rounds):
        raise ValueError(f"{where}: {model.name} has rounds 0 to {len(model.rounds)}")
    if address.seed is not None and address.seed not in model.seeds:
        raise ValueError(f"{where}: {model.name} has seeds {', '.join(map(str, model.seeds))}")


def _names(named: Iterable[Model | System]) -> str:
    return ", ".join(one.name for one in named)
