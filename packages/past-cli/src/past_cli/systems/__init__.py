"""The systems files that come with the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from past_core.errors import ConfigError

if TYPE_CHECKING:
    from past_core.pipeline import Systems

__all__ = ["CHAIN", "FOLDER", "find_systems", "systems_named"]

FOLDER = Path(__file__).parent
CHAIN = "chain"
"""What is made from ``--translator``, ``--segmenter``, ``--strategy`` and ``--rounds``."""


def systems_named() -> list[str]:
    """Names that ``--systems`` knows."""
    return [CHAIN, *sorted(file.stem for file in FOLDER.glob("*.toml"))]


def find_systems(name: str) -> Systems | None:
    """The systems of a built-in name or of a TOML file; None for the chain.

    Raises
    ------
    ConfigError
        If there are none, or the file is not right.
    """
    from past_core.pipeline import load_systems  # noqa: PLC0415

    if name == CHAIN:
        return None
    built_in = FOLDER / f"{name}.toml"
    if built_in.is_file():
        return load_systems(built_in)
    path = Path(name)
    if path.suffix == ".toml" and path.is_file():
        return load_systems(path)
    known = ", ".join(systems_named())
    raise ConfigError(f"--systems {name}: neither built in ({known}) nor a TOML file.")
