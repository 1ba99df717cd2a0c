"""How plugins describe themselves, and how they are found and loaded."""

from past_core.plugins.hookspecs import hookimpl
from past_core.plugins.own import OWN
from past_core.plugins.registry import KINDS, Registry
from past_core.plugins.specs import (
    DatasetSpec,
    MetricSpec,
    PluginSpec,
    SegmenterSpec,
    StrategySpec,
    TranslatorSpec,
    ValidatorSpec,
)

__all__ = [
    "KINDS",
    "OWN",
    "DatasetSpec",
    "MetricSpec",
    "PluginSpec",
    "Registry",
    "SegmenterSpec",
    "StrategySpec",
    "TranslatorSpec",
    "ValidatorSpec",
    "hookimpl",
]
