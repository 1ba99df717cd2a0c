"""The recipes that come with the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from past_core.errors import ConfigError

if TYPE_CHECKING:
    from past_core.recipe import Recipe

__all__ = ["FOLDER", "find_recipe", "read_recipe"]

FOLDER = Path(__file__).parent


def find_recipe(name: str) -> Path:
    """The file of a built-in recipe, or the path itself if it names a TOML file.

    Raises
    ------
    ConfigError
        If there is neither.
    """
    built_in = FOLDER / f"{name}.toml"
    if built_in.is_file():
        return built_in
    path = Path(name)
    if path.suffix == ".toml" and path.is_file():
        return path
    known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.toml")))
    raise ConfigError(f"--recipe {name}: neither a built-in recipe ({known}) nor a TOML file.")


def read_recipe(name: str) -> Recipe:
    """A recipe by its name or path, with those that it extends."""
    from past_core.recipe import load_recipe  # noqa: PLC0415

    return load_recipe(find_recipe(name), find_recipe)
