"""The base of every plugin's configuration, and errors that say what is allowed."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from past_core.errors import ConfigError
from past_core.problems import first_ones, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["DEEPEST", "PluginConfig", "parse_config", "read_toml", "unfit"]

Model = TypeVar("Model", bound=BaseModel)


class PluginConfig(BaseModel):
    """Base class of plugin configurations: frozen, and unknown keys are errors.

    Give every field a default and a description: both are shown to users.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    incidental: ClassVar[frozenset[str]] = frozenset()
    """Fields that say how a result is come by and not what it is (but for rounding): work that
    was done or begun with other values of them is kept."""

    prediction: ClassVar[frozenset[str]] = frozenset()
    """Fields of a segmenter that only its predictions depend on (tile step, mirroring): with
    other values of them nothing is trained again."""

    network: ClassVar[frozenset[str]] = frozenset()
    """Fields of a segmenter that decide its network: what trains on from given weights must have
    the values with which these were trained."""

    def length(self, warm: bool) -> int | None:  # noqa: ARG002
        """Iterations that ``fit`` does, from given weights if ``warm``; None: it counts none."""
        return None

    def shortened(self, iterations: int) -> Self:  # noqa: ARG002
        """The same settings for so few iterations, to see what one of them costs."""
        return self

    def require_suitable(self, shapes: Sequence[tuple[int, int, int]]) -> None:  # noqa: ARG002
        """Refuse a translator's settings that no images of these sizes can be trained with.

        Asked before anything is trained, and without the libraries that training needs. By
        default all suit.

        Parameters
        ----------
        shapes
            Voxels of all scans that it will be handed, along the canonical (RAS+) axes.

        Raises
        ------
        ConfigError
            Naming the setting, its value and what would suit.
        """
        return

    def decisive(self) -> dict[str, Any]:
        """JSON values of all fields that the result of ``fit`` depends on."""
        return self.model_dump(mode="json", exclude=set(self.incidental | self.prediction))

    def predictive(self) -> dict[str, Any]:
        """JSON values of the fields that only predictions depend on."""
        return self.model_dump(mode="json", include=set(self.prediction))


def parse_config(model: type[Model], values: Mapping[str, Any], where: str) -> Model:
    """Validate ``values``; ``where`` names their origin in the error.

    Raises
    ------
    ConfigError
        Naming each wrong key or value, and what is allowed.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        problems = _united(error.errors())
        lines = [_explain(model, problem, where) for problem in problems]
        raise ConfigError("\n".join(first_ones(lines))) from error


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Read a TOML file; ``what`` it is stands in the error.

    Raises
    ------
    ConfigError
        If the file is missing, or no TOML in UTF-8.
    """
    try:
        text = path.read_text("utf-8")
        if any(key.count(".") > DEEPEST for key in _ENDS_OF_KEYS.split(text)):
            raise ConfigError(f"{path}: a key of so many parts is nothing for a {what}.")
        content = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path}: the {what} cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 ({error}). Save the {what} as UTF-8.") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: is nested too deeply for a {what}.") from error
    except ValueError as error:  # of TOML, and of numbers of thousands of digits
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    if said := unfit(content):
        raise ConfigError(f"{path}: {said}, which is nothing for a {what}.")
    return content


DEEPEST = 50
"""Levels of tables and lists; no recipe has ten."""
LARGEST = 1 << 63
"""TOML's whole numbers are smaller."""
_ENDS_OF_KEYS = re.compile(r"[\n\r,=\[\]{}]+")
"""A key of thousands of parts takes tomllib minutes, so it is not given any."""


def unfit(value: object, levels: int = DEEPEST) -> str:
    """Why a value that was read is nothing to work with, whoever wrote it; empty if it is."""
    if isinstance(value, int) and abs(value) >= LARGEST:
        return "has a whole number of more than 64 bits"  # Python may refuse to write it out
    if not isinstance(value, dict | list):
        return ""
    if levels == 0:
        return "is nested too deeply"
    inner = value.values() if isinstance(value, dict) else value
    return next((said for one in inner if (said := unfit(one, levels - 1))), "")


def _united(problems: Iterable[Any]) -> list[Any]:
    """One problem for a value that is none of several kinds, where pydantic has one a kind.

    Pydantic names the kind within the location (``crop.constrained-int``); users do not.
    """
    united: dict[tuple[Any, ...], Any] = {}
    for problem in problems:
        tags = [n for n, part in enumerate(problem["loc"]) if not _is_key(part)]
        place = problem["loc"][: tags[0]] if tags else problem["loc"]
        path = tuple(part for part in problem["loc"] if _is_key(part))
        if place not in united:
            united[place] = {**problem, "loc": path}
        elif tags and problem["type"] == "literal_error":
            also = problem["ctx"]["expected"]
            united[place]["msg"] += f", or {also}"
    return list(united.values())


def _is_key(part: str | int) -> bool:
    """Whether it is a key or an index of the user's, and no kind of pydantic's."""
    return isinstance(part, int) or not ("[" in part or part.startswith("constrained-"))


def _explain(model: type[BaseModel], problem: Any, where: str) -> str:  # noqa: ANN401
    key = ".".join([where, *(str(part) for part in problem["loc"])])
    if problem["type"] == "extra_forbidden":
        fields = _table_at(model, problem["loc"][:-1]).model_fields
        known = sorted(field.alias or name for name, field in fields.items())
        return f"{key}: unknown key. Known keys: {', '.join(known) or 'none'}."
    if problem["type"] == "value_error":
        # Our own words, which quote what they are about; a whole table would drown them.
        value = "" if isinstance(problem["input"], dict) else f", got {shown(problem['input'])}"
        return f"{key}: {problem['ctx']['error']}{value}."
    return f"{key}: {problem['msg']}, got {shown(problem['input'])}."


def _table_at(model: type[BaseModel], path: Iterable[str | int]) -> type[BaseModel]:
    """The model of the table at ``path``, as ``crop.roi`` has one inside ``crop``."""
    for part in path:
        field = model.model_fields.get(str(part))
        inner = [] if field is None else [field.annotation, *get_args(field.annotation)]
        model = next((t for t in inner if isinstance(t, type) and issubclass(t, BaseModel)), model)
    return model
