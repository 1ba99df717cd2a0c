"""Which metrics are scored, and by which settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from past_core.interfaces import Metric
from past_core.plugins import Registry

__all__ = ["ALL", "create_metrics", "named_metrics"]

ALL = "all"
"""Asks for every installed metric."""


def named_metrics(registry: Registry, asked: Iterable[str]) -> list[str]:
    """Names asked for, in their order; without any those of metrics that are scored by default."""
    names = list(dict.fromkeys(asked))
    specs = [one.spec for one in registry.all("metric")]
    if ALL in names:
        return [spec.name for spec in specs]
    return names or [spec.name for spec in specs if getattr(spec, "default", True)]


def create_metrics(
    registry: Registry, names: Iterable[str], tables: Mapping[str, Mapping[str, Any]]
) -> dict[str, Metric]:
    """Metrics by name.

    Parameters
    ----------
    tables
        Their settings; a metric without a table has its defaults.

    Raises
    ------
    PluginError, ConfigError
        If one is not installed, cannot be made, or has other settings.
    """
    return {
        name: registry.create(
            "metric", name, registry.config("metric", name, tables.get(name, {}), f"metric.{name}")
        )
        for name in names
    }
