"""Recipes: TOML files of settings, and the overrides on top of them.

A recipe has a table for the chain and one for each plugin it speaks of::

    summary = "Small networks, a few minutes on a CPU."

    [pipeline]
    rounds = 2

    [translator.nicegan]
    iterations = 900

A plugin without a table runs with its own defaults.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import Field

from past_core.config import PluginConfig, parse_config
from past_core.errors import ConfigError

__all__ = ["Recipe", "load_recipe", "override"]

Tables = dict[str, dict[str, Any]]


class Recipe(PluginConfig):
    """A recipe's content; plugin tables are validated by the plugins themselves."""

    summary: str = ""
    """One line for listings."""
    pipeline: dict[str, Any] = Field(default_factory=dict)
    """Settings of the chain: see ``past_core.pipeline.PipelineConfig``."""
    dataset: Tables = Field(default_factory=dict)
    """By name of the data set reader."""
    translator: Tables = Field(default_factory=dict)
    """By name of the translator."""
    segmenter: Tables = Field(default_factory=dict)
    """By name of the segmenter."""
    strategy: Tables = Field(default_factory=dict)
    """By name of the strategy."""
    metric: Tables = Field(default_factory=dict)
    """By name of the metric."""

    def values(self, kind: str, name: str) -> dict[str, Any]:
        """The table of one plugin, empty if the recipe does not speak of it."""
        tables: Tables = getattr(self, kind)
        return dict(tables.get(name, {}))


def load_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises
    ------
    ConfigError
        If the file is missing, no TOML, or has an unknown table.
    """
    try:
        content = tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"{path}: the recipe cannot be read ({error.strerror}).") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    return parse_config(Recipe, content, str(path))


def override(recipe: Recipe, assignments: Iterable[str], chosen: dict[str, str]) -> Recipe:
    """Apply ``key=value`` settings, as ``--set`` takes them.

    Parameters
    ----------
    assignments
        ``pipeline.rounds=1``, or ``translator.iterations=200`` for the chosen translator
        (likewise dataset, segmenter, strategy). Values are TOML; what is not TOML is a
        string.
    chosen
        Kind to name of the plugins of this run.

    Raises
    ------
    ConfigError
        If an assignment has no ``=`` or its key begins with none of the tables.
    """
    tables = deepcopy(recipe.model_dump())
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        head, *path = key.strip().split(".")
        allowed = ["pipeline", *chosen]
        if not equals or head not in allowed or not path:
            raise ConfigError(
                f"--set {assignment}: expected KEY=VALUE where KEY begins with "
                f"{', '.join(f'{name}.' for name in allowed)} "
                "for example pipeline.rounds=1."
            )
        table = tables[head]
        if head != "pipeline":
            table = table.setdefault(chosen[head], {})
        for part in path[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise ConfigError(f"--set {assignment}: {part} is a value, not a table.")
        table[path[-1]] = _value(text.strip())
    return parse_config(Recipe, tables, "recipe")


def _value(text: str) -> Any:  # noqa: ANN401
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
