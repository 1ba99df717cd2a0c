"""Recipes: TOML files that say how large plugins are and how long they work.

::

    summary = "Small networks, a few minutes on a CPU."
    extends = "quick"                 # another recipe, of which this one is a variation

    [translator.nicegan]
    iterations = 900

A plugin without a table runs with its own defaults. What is done with the plugins is said
by a systems file (``past_core.pipeline.systems``).
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import Field

from past_core.config import DEEPEST, PluginConfig, parse_config, read_toml, unfit
from past_core.errors import ConfigError
from past_core.problems import shown

__all__ = ["Recipe", "Tables", "load_recipe", "merged", "parse_assignments"]

Tables = dict[str, dict[str, Any]]
LONGEST_NAME = 200
"""Characters of the name of a recipe that another one extends."""


class Recipe(PluginConfig):
    """A recipe's content; plugin tables are validated by the plugins themselves."""

    summary: str = ""
    """One line for listings."""
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
    validator: Tables = Field(default_factory=dict)
    """By name of the validator."""

    def values(self, kind: str, name: str) -> dict[str, Any]:
        """The table of one plugin, empty if the recipe does not speak of it."""
        tables: Tables = getattr(self, kind)
        return dict(tables.get(name, {}))


def load_recipe(path: Path, find: Callable[[str], Path] | None = None) -> Recipe:
    """Read a recipe, and those that it extends.

    Parameters
    ----------
    path
        The TOML file.
    find
        The file of another recipe by the name that ``extends`` gives; by default a file beside
        ``path``, with or without ``.toml``.

    Raises
    ------
    ConfigError
        If a file is missing, no TOML, has an unknown table, or extends itself.
    """
    return parse_config(Recipe, _tables(path, find, ()), str(path))


def _tables(
    path: Path, find: Callable[[str], Path] | None, seen: tuple[Path, ...]
) -> dict[str, Any]:
    content = read_toml(path, "recipe")
    base = content.pop("extends", None)
    if base is None:
        return content
    if not isinstance(base, str) or not base.isprintable() or len(base) > LONGEST_NAME:
        raise ConfigError(f"{path}: extends is {shown(base)}; it names one other recipe.")
    other = path.parent / (base if base.endswith(".toml") else f"{base}.toml")
    if find is not None and not other.is_file():
        other = find(base)
    if other.resolve() in (*seen, path.resolve()):
        raise ConfigError(f"{path}: extends {base}, which extends it in turn. Break the circle.")
    return merged(_tables(other, find, (*seen, path.resolve())), content)


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Tables on top of tables: later values win, tables within are merged likewise."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            below = result.get(key)
            if isinstance(below, dict) and isinstance(value, Mapping):
                result[key] = merged(below, value)
            else:
                result[key] = deepcopy(value)
    return result


def parse_assignments(
    assignments: Iterable[str], chosen: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Turn ``key=value`` settings, as ``--set`` takes them, into tables.

    Parameters
    ----------
    assignments
        ``translator.iterations=200`` for the chosen translator, or for all of them if there
        are several; ``segmenter.nnunet.iterations=200`` for one of them (likewise dataset,
        strategy, metric, validator); ``crop.clip_percentile=99``. Values are TOML; what is not
        TOML is a string.
    chosen
        Kind to the names of the plugins of this run.

    Returns
    -------
    dict
        Kind to plugin to its settings; and ``crop``, if it is spoken of.

    Raises
    ------
    ConfigError
        If an assignment has no ``=`` or its key begins with none of the tables.
    """
    tables: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        head, *path = key.strip().split(".")
        allowed = [*chosen, "crop"]
        if not equals or head not in allowed or not path:
            near = difflib.get_close_matches(head, allowed, n=1)
            meant = f" Did you mean {near[0]}.{'.'.join(path)}?" if near and path else ""
            raise ConfigError(
                f"--set {shown(assignment)}: expected KEY=VALUE where KEY begins with "
                f"{', '.join(f'{name}.' for name in allowed)} "
                f"for example translator.iterations=500.{meant}"
            )
        value = _value(text.strip())
        if said := unfit(value) or ("is nested too deeply" if len(path) > DEEPEST else ""):
            raise ConfigError(f"--set {shown(assignment)}: {said}.")
        if head == "crop":
            _assign(tables.setdefault("crop", {}), path, value, assignment)
            continue
        names = chosen[head]
        if path[0] in names and path[1:]:
            names, path = [path[0]], path[1:]
        for name in names:
            table = tables.setdefault(head, {}).setdefault(name, {})
            _assign(table, path, value, assignment)
    return tables


def _assign(table: dict[str, Any], path: Sequence[str], value: Any, assignment: str) -> None:  # noqa: ANN401
    for part in path[:-1]:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise ConfigError(f"--set {assignment}: {part} is a value, not a table.")
    table[path[-1]] = value


def _value(text: str) -> Any:  # noqa: ANN401
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text
