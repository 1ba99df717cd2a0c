"""Systems files on disk: read, written, and changed by options of the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tomli_w

from past_core.config import parse_config, read_toml
from past_core.pipeline.systems import Systems

__all__ = ["dump_systems", "load_systems", "replaced", "without_none"]


def load_systems(path: Path) -> Systems:
    """Read a systems file.

    Raises
    ------
    ConfigError
        If it is missing, no TOML, or says what does not fit together.
    """
    content = read_toml(path, "systems file")
    systems = parse_config(Systems, content, str(path))
    rule = systems.protocols
    if rule.file is not None and not rule.file.is_absolute():
        where = (path.parent / rule.file).absolute()
        systems = systems.model_copy(update={"protocols": rule.model_copy(update={"file": where})})
    return systems


def dump_systems(systems: Systems) -> str:
    """A systems file's text, with everything that differs from a default."""
    content = systems.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return tomli_w.dumps(without_none(content))


def without_none(value: Any) -> Any:  # noqa: ANN401
    """Tables without empty values: TOML has no null, and left out means the default."""
    if isinstance(value, dict):
        return {key: without_none(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [without_none(one) for one in value]
    return value


def replaced(systems: Systems, change: Callable[[dict[str, Any]], None]) -> Systems:
    """A copy of a systems file with its content changed, validated again."""
    content = systems.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    change(content)
    return parse_config(Systems, without_none(content), "systems")
