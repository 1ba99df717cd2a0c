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
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from past_core.config import PluginConfig
from past_core.pipeline.address import Address, check_name, check_part_name
from past_core.pipeline.images import Images, check_images, check_round_images
from past_core.pipeline.protocols import ProtocolRule
from past_core.roi import ROI

__all__ = [
    "Crop",
    "Judge",
    "Model",
    "Region",
    "Round",
    "System",
    "Systems",
    "Translation",
    "Use",
    "addresses",
]

Fraction = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, AfterValidator(check_name)]
PartName = Annotated[str, AfterValidator(check_part_name)]

OneOrMore = str | tuple[str, ...]
Use = OneOrMore | dict[str, OneOrMore]
"""An address, several whose probabilities are averaged, or either by protocol."""


class Region(PluginConfig):
    """A region of interest, as fractions of the axes of a canonical (RAS+) volume."""

    lower: tuple[Fraction, Fraction, Fraction] = (0.0, 0.0, 0.0)
    """Where the region begins along each axis."""
    upper: tuple[Fraction, Fraction, Fraction] = (1.0, 1.0, 1.0)
    """Where it ends."""

    def as_roi(self) -> ROI:
        """The region as core's ROI, which raises ConfigError if it is empty."""
        return ROI(self.lower, self.upper)


class Crop(PluginConfig):
    """What is done to every scan before anything learns from it."""

    roi: Region | None = None
    """The region to work in; by default the data set's own."""
    clip_percentile: float = Field(default=99.9, gt=50, le=100)
    """Percentile of a scan's region that becomes 255."""


class Judge(PluginConfig):
    """How systems that ``choose`` have their candidates judged."""

    scans: int = Field(default=6, ge=1)
    """Target scans that every candidate is judged on, spread over protocols; all, if there are
    fewer."""


class Round(PluginConfig):
    """Self-training: label scans with the round before, select, train on from its weights."""

    repeat: int = Field(default=1, ge=1, le=20)
    """K: so many rounds like this one."""
    strategy: str
    """The plugin that selects pseudo-labels."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Of the strategy, on top of the recipe's."""
    images: tuple[Images, ...] = Field(min_length=1)
    """X_c: what is labelled and trained on."""


class Translation(PluginConfig):
    """A fitted translator and the images that it makes of the source."""

    name: PartName
    translator: str
    """The plugin."""
    each: Literal["protocol"] | None = None
    """One for each protocol of the target; by default one for all."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Of the translator, on top of the recipe's."""


class Model(PluginConfig):
    """A fitted segmenter, with its rounds of self-training."""

    name: PartName
    segmenter: str
    """The plugin."""
    each: Literal["protocol"] | None = None
    """One for each protocol of the target; by default one for all."""
    start: str | None = None
    """A model before it in the file, of the same segmenter: round 0 goes on from its last round,
    for as long as rounds do. By default it begins anew."""
    images: tuple[Images, ...] = Field(min_length=1)
    """What round 0 is trained on."""
    round: tuple[Round, ...] = ()
    """Rounds of self-training, in order."""
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
    """So many trainings that differ by chance alone; their probabilities are averaged."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Of the segmenter, on top of the recipe's."""

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("a seed is named twice")
        return seeds

    @property
    def rounds(self) -> tuple[Round, ...]:
        """Round k stands at k - 1."""
        return tuple(one for one in self.round for _ in range(one.repeat))

    @property
    def supervised(self) -> bool:
        """Whether it sees true labels of target scans: an upper bound."""
        return any(one.origin == "target" for one in self.images)


class System(PluginConfig):
    """What a user applies to a scan: which models answer for it, by protocol and structure."""

    name: Name
    use: Use | None = None
    """The model that answers, unless ``structures`` says otherwise."""
    structures: dict[str, Use] = Field(default_factory=dict)
    """Structures that another model answers for."""
    choose: tuple[str, ...] = ()
    """Instead of ``use``: names of systems, the simplest first, of which the best by label-free
    figures answers. What sees target labels is left out of them."""
    validators: tuple[str, ...] = Field(default=("flip", "affine"), min_length=1)
    """The plugins whose figures choose, by mean rank."""

    @model_validator(mode="after")
    def _uses_or_chooses(self) -> System:
        if (self.use is None) != bool(self.choose) or (self.choose and self.structures):
            raise ValueError(f"system {self.name}: has either use, with structures, or choose")
        if self.choose and len(self.choose) < 2:
            raise ValueError(f"system {self.name}: chooses among two systems at least")
        for what, names in (("choose", self.choose), ("validators", self.validators)):
            if len(set(names)) < len(names):
                raise ValueError(f"system {self.name}: {what} names one twice")
        return self

    def uses(self) -> tuple[Use, ...]:
        """What answers, for one structure or another; nothing, if it chooses."""
        return () if self.use is None else (self.use, *self.structures.values())


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

    def supervised(self, system: System) -> bool:
        """Whether a model of the system sees labels of target scans: an upper bound."""
        named = [a for use in system.uses() for a in addresses(use, f"system {system.name}")]
        models = [self.find_model(one.name) for one in named]
        return any(one.supervised for model in models for one in self.lineage(model))

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
                yield "strategy", one.strategy, one.settings
        for system in self.system:
            for validator in system.validators if system.choose else ():
                yield "validator", validator, {}


def addresses(use: Use, where: str) -> list[Address]:
    """All addresses that a ``use`` names, whatever the protocol."""
    values = use.values() if isinstance(use, dict) else (use,)
    texts = [t for value in values for t in ((value,) if isinstance(value, str) else value)]
    if not texts:
        raise ValueError(f"{where}: names no model")
    return [Address.parse(text, where) for text in texts]


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
    if address.protocol is not None and model.each is None:
        raise ValueError(f"{where}: {model.name} is one model for all protocols")
    if address.round is not None and address.round > len(model.rounds):
        raise ValueError(f"{where}: {model.name} has rounds 0 to {len(model.rounds)}")
    if address.seed is not None and address.seed not in model.seeds:
        raise ValueError(f"{where}: {model.name} has seeds {', '.join(map(str, model.seeds))}")


def _names(named: Iterable[Model | System]) -> str:
    return ", ".join(one.name for one in named)
