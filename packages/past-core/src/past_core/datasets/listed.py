"""The text of a ``dataset.json``: what is allowed in it, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from past_core.errors import DataError
from past_core.files import exists, is_file, read_json
from past_core.problems import listing, shown

__all__ = ["Entry", "Listed", "Region", "read_list"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


class Entry(_Strict):
    """One scan."""

    image: str
    label: str | None = None
    protocol: str | None = None
    id: str | None = None


class Region(_Strict):
    """Fractions of canonical (RAS+) axes."""

    lower: tuple[float, float, float]
    upper: tuple[float, float, float]


def _as_entry(value: Any) -> Any:  # noqa: ANN401
    return {"image": value} if isinstance(value, str) else value


_Entries = list[Annotated[Entry, BeforeValidator(_as_entry)]]


class Listed(_Strict):
    """The whole list."""

    name: str | None = None
    labels: dict[str, int]
    source: _Entries
    target: _Entries
    test: _Entries = []
    validation: _Entries = []
    roi: Region | None = None
    translation_roi: Region | None = None


def read_list(path: Path) -> Listed:
    """Read a list.

    Raises
    ------
    DataError
        If it is missing or no JSON; or naming every wrong key and value.
    """
    if not is_file(path):
        found = "is no file" if exists(path) else "no such file"
        raise DataError(f"{path}: {found}. Write one that lists labels, source, target and test.")
    content = read_json(path, "Correct it there.")
    try:
        return Listed.model_validate(content)
    except ValidationError as error:
        problems = [_explain(problem) for problem in error.errors()]
        raise listing(str(path), problems) from error


def _explain(problem: Any) -> str:  # noqa: ANN401
    """One line for one of pydantic's findings, with the keys that are known there."""
    loc = problem["loc"]
    key = ".".join(str(part) for part in loc) or "the list"
    model: type[BaseModel] = Listed
    if len(loc) > 1:
        model = Region if loc[0] in ("roi", "translation_roi") else Entry
    known = ", ".join(model.model_fields)
    if problem["type"] == "extra_forbidden":
        return f"{key}: unknown key. Known keys: {known}. Rename or remove it."
    if problem["type"] == "missing":
        return f"{key}: missing. Add it; known keys: {known}."
    return f"{key}: {problem['msg']}, got {shown(problem['input'])}. Correct the value."
