"""The settings of a plugin as a table: their values, where these are from, what they mean."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from past_core.config import PluginConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["setting_table"]


def setting_table(kind: str, config: PluginConfig, said: Mapping[str, Any], recipe: str) -> Table:
    """One row a setting; those of tables within have dotted names.

    Parameters
    ----------
    kind
        Of the plugin: what ``--set`` calls it.
    config
        Its settings, with what the recipe says.
    said
        What the recipe says of it.
    recipe
        The recipe's name.
    """
    table = Table(box=SIMPLE_HEAD, padding=(0, 1))
    for heading in ("setting", "value", "from"):
        table.add_column(heading, no_wrap=heading != "value")
    table.add_column("what it is")
    for key, value, meaning, own in _settings(config, said):
        origin = f"recipe {recipe}" if own else "default"
        style = "" if own else "dim"
        table.add_row(f"{kind}.{key}", Text(value), Text(origin, style=style), meaning)
    return table


def _settings(
    config: PluginConfig, said: Mapping[str, Any], before: str = ""
) -> Iterator[tuple[str, str, str, bool]]:
    """Key, value, meaning, and whether the recipe speaks of it."""
    for name, field in type(config).model_fields.items():
        value, own = getattr(config, name), said.get(name)
        if isinstance(value, PluginConfig):
            yield from _settings(value, own or {}, f"{before}{name}.")
        else:
            meaning = " ".join((field.description or "").split())
            yield f"{before}{name}", _shown(value), meaning.replace("``", ""), name in said


def _shown(value: Any) -> str:  # noqa: ANN401
    """As ``--set`` takes it."""
    if value is None:
        return "not set"
    return json.dumps(value) if isinstance(value, bool | tuple) else str(value)
