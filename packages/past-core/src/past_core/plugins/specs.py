"""Light descriptions of plugins: names and import paths, nothing imported yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

__all__ = [
    "DatasetSpec",
    "MetricSpec",
    "PluginSpec",
    "SegmenterSpec",
    "StrategySpec",
    "TranslatorSpec",
    "ValidatorSpec",
]


@dataclass(frozen=True)
class PluginSpec:
    """What a plugin is called and where its parts are, without importing them."""

    kind: ClassVar[str] = ""
    """The word users know this kind by."""

    name: str
    """The name used for selection, as in ``--translator nicegan``."""
    summary: str
    """One line for listings."""
    factory: str
    """``"package.module:Class"``, called with the validated configuration."""
    config: str
    """``"package.module:ConfigClass"``, a subclass of ``past_core.config.PluginConfig``."""
    generation: int = 1
    """Raised whenever the same settings give other results than before: then what was trained
    with the older one is not taken for the newer one's."""


@dataclass(frozen=True)
class DatasetSpec(PluginSpec):
    """Describes a ``past_core.interfaces.DatasetReader``."""

    kind: ClassVar[str] = "dataset"


@dataclass(frozen=True)
class TranslatorSpec(PluginSpec):
    """Describes a ``past_core.interfaces.Translator``."""

    kind: ClassVar[str] = "translator"

    measures: bool = False
    """Whether its ``measure`` leaves figures: then a stage of its own calls it."""


@dataclass(frozen=True)
class SegmenterSpec(PluginSpec):
    """Describes a ``past_core.interfaces.Segmenter``."""

    kind: ClassVar[str] = "segmenter"

    random_looks: str | None = None
    """Its setting for the share of training patches whose look is random, 0 to 1, if it has
    one: with it the chain also trains models that see such patches."""
    online: bool = False
    """Whether its ``fit`` takes unlabelled scans and an online strategy."""
    voxel_weights: bool = False
    """Whether its ``fit`` lets voxels count by the weights that cases have."""


@dataclass(frozen=True)
class StrategySpec(PluginSpec):
    """Describes a ``past_core.interfaces.Strategy``."""

    kind: ClassVar[str] = "strategy"

    teachers: int = 1
    """How many teachers it needs at least: 2, if it is about where they differ."""
    online: bool = False
    """Whether it is a ``past_core.interfaces.OnlineStrategy``, which acts within a training
    instead of before it."""
    edges: str | None = None
    """Its setting for the width in voxels, 0 or more, of the zone around borders in which the image
    decides instead of the prediction, if it has one: with it the chain's last line of models learns
    from target scans alone, where the image can decide."""


@dataclass(frozen=True)
class MetricSpec(PluginSpec):
    """Describes a ``past_core.interfaces.Metric``."""

    kind: ClassVar[str] = "metric"

    higher_is_better: bool = True
    """Whether more of it is better: systems are not chosen by others."""
    default: bool = True
    """Whether it is scored where no metric was chosen (``--metric``)."""


@dataclass(frozen=True)
class ValidatorSpec(PluginSpec):
    """Describes a ``past_core.interfaces.Validator``."""

    kind: ClassVar[str] = "validator"
