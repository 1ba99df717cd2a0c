"""What each kind of table in a systems file may say."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from past_core.config import PluginConfig
from past_core.dataset import Dataset
from past_core.pipeline.address import Address, check_name, check_part_name
from past_core.pipeline.images import Images
from past_core.roi import ROI

__all__ = [
    "Crop",
    "Judge",
    "Model",
    "Region",
    "Round",
    "System",
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


ChooseBy = Literal["figures", "validation"]
"""What a system chooses by."""


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
    translation_roi: Region | None = None
    """The region that translators see, which must hold ``roi``. By default the data set's own, but
    where ``roi`` is given, that: one region for both."""
    clip_percentile: float = Field(default=99.9, gt=50, le=100)
    """Percentile of a scan's region (of translation, if there are two) that becomes 255."""

    def regions(self, dataset: Dataset) -> tuple[ROI, ROI | None]:
        """Where a data set is segmented, and where it is translated if not there.

        Raises
        ------
        ConfigError
            If a region is empty, or the second does not hold the first.
        """
        inner = dataset.roi if self.roi is None else self.roi.as_roi()
        outer = dataset.translation_roi if self.roi is None else None
        if self.translation_roi is not None:
            outer = self.translation_roi.as_roi()
        if outer in (None, inner):
            return inner, None
        inner.require_within(outer)
        return inner, outer


class Judge(PluginConfig):
    """How systems that ``choose`` have their candidates judged."""

    scans: int = Field(default=6, ge=1)
    """Target scans that every candidate is judged on, spread over protocols; all, if there are
    fewer."""


class Round(PluginConfig):
    """Self-training: label scans with the round before, select, train on from its weights."""

    repeat: int = Field(default=1, ge=1, le=20)
    """K: so many rounds like this one."""
    strategy: str | None = None
    """The plugin that selects pseudo-labels; None in a round that has only true ones."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Of the strategy, on top of the recipe's."""
    teachers: tuple[str, ...] = ()
    """Addresses of the models whose probabilities are labels, or their mean: of models before
    this one in the file, and of this one's earlier rounds (without ``/`` the one before, without
    ``#`` of all its seeds). By default the round before alone, each seed for itself."""
    labelling: dict[str, Any] = Field(default_factory=dict)
    """The segmenters' settings of prediction while they label, such as ``mirroring``."""
    training: dict[str, Any] = Field(default_factory=dict)
    """The segmenter's settings while it trains in this round, on top of the model's, such as
    ``warm_iterations``."""
    images: tuple[Images, ...] = Field(min_length=1)
    """X_c: what is labelled and trained on."""

    @model_validator(mode="after")
    def _strategy_where_labels_are_selected(self) -> Round:
        selects = any(one.selected for one in self.images)
        if selects and self.strategy is None:
            raise ValueError("a round that labels scans needs a strategy, such as top-q")
        if not selects:
            named = ("strategy", "settings", "teachers", "labelling")
            if useless := [name for name in named if getattr(self, name)]:
                raise ValueError(
                    f"all labels are kept, so nothing is selected: leave out {', '.join(useless)}"
                )
        return self


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
    def oracle(self) -> bool:
        """Whether it is trained on true labels of target scans from the start."""
        return any(one.supervised for one in self.images)

    @property
    def supervised(self) -> bool:
        """Whether it sees true labels of target scans: an upper bound."""
        entries = (*self.images, *(one for r in self.round for one in r.images))
        return any(one.supervised for one in entries)


class System(PluginConfig):
    """What a user applies to a scan: which models answer for it, by protocol and structure."""

    name: Name
    use: Use | None = None
    """The model that answers, unless ``structures`` says otherwise."""
    structures: dict[str, Use] = Field(default_factory=dict)
    """Structures that another model answers for."""
    choose: tuple[str, ...] = ()
    """Instead of ``use``: names of systems, the most adapted last, of which the best answers. What
    sees target labels is left out of them."""
    validators: tuple[str, ...] = Field(default=("flip", "affine"), min_length=1)
    """The plugins whose figures choose, by mean rank."""
    by: ChooseBy = "figures"
    """What chooses: those figures, or ``metric`` on the data set's validation scans. The latter is
    supervised: target labels decide."""
    metric: str = "dice"
    """The plugin whose mean over structures and validation scans chooses; more is better."""

    @model_validator(mode="after")
    def _uses_or_chooses(self) -> System:
        if (self.use is None) != bool(self.choose) or (self.choose and self.structures):
            raise ValueError(f"system {self.name}: has either use, with structures, or choose")
        if self.by != "figures" and not self.choose:
            raise ValueError(f"system {self.name}: by = '{self.by}' goes with choose")
        if self.choose and len(self.choose) < 2:
            raise ValueError(f"system {self.name}: chooses among two systems at least")
        for what, names in (("choose", self.choose), ("validators", self.validators)):
            if len(set(names)) < len(names):
                raise ValueError(f"system {self.name}: {what} names one twice")
        return self

    def uses(self) -> tuple[Use, ...]:
        """What answers, for one structure or another; nothing, if it chooses."""
        return () if self.use is None else (self.use, *self.structures.values())


def addresses(use: Use, where: str) -> list[Address]:
    """All addresses that a ``use`` names, whatever the protocol."""
    values = use.values() if isinstance(use, dict) else (use,)
    texts = [t for value in values for t in ((value,) if isinstance(value, str) else value)]
    if not texts:
        raise ValueError(f"{where}: names no model")
    return [Address.parse(text, where) for text in texts]
