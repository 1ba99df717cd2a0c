"""The structures that a data set labels, and the value reserved for *ignore*."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from past_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Labels"]


@dataclass(frozen=True)
class Labels:
    """Names of the structures; the first has value 1, the next 2, and so on.

    Background is 0. nnU-Net needs consecutive values, so core asks for them too. Label maps are
    uint8, and one value is for voxels that are ignored: there may be 254 structures.

    Raises
    ------
    DataError
        If there are more, or a name is empty, used twice, or means something else.
    """

    structures: tuple[str, ...]
    """Foreground structures in the order of their values, from 1 on."""

    def __post_init__(self) -> None:
        _check_names(self.structures, "structures")

    @classmethod
    def from_mapping(cls, mapping: dict[str, int], where: str) -> Labels:
        """Build from ``{"background": 0, "vs": 1, ...}`` as data set files have it.

        Raises
        ------
        DataError
            If the values are not 0 (background), 1, 2, ... without gaps, there are more than 254,
            or a name cannot be one.
        """
        ordered = sorted(mapping, key=lambda name: mapping[name])
        values = [mapping[name] for name in ordered]
        if values != list(range(len(values))) or not ordered or ordered[0] != "background":
            raise DataError(
                f"{where}: label values must be background 0 and structures 1, 2, ... without "
                f"gaps, found {mapping}. Renumber the label files and the list."
            )
        if len(ordered) < 2:
            raise DataError(f"{where}: no structure besides background is declared. Add one.")
        _check_names(ordered[1:], where)
        return cls(tuple(ordered[1:]))

    @classmethod
    def from_text(cls, text: str, where: str) -> Labels:
        """Read ``vs=1,cochlea=2``, or the names alone in the order of their values.

        Raises
        ------
        DataError
            If it is neither, or the values are not 1, 2, ... without gaps.
        """
        mapping = {"background": 0}
        for number, entry in enumerate(text.split(","), start=1):
            name, equals, value = (part.strip() for part in entry.partition("="))
            if not name or name in mapping or (equals and not value.isdecimal()):
                raise DataError(
                    f"{where}: {text!r} is no list of structures. Write each once, as in "
                    "vs=1,cochlea=2."
                )
            mapping[name] = int(value) if equals else number
        return cls.from_mapping(mapping, where)

    @property
    def count(self) -> int:
        """Number of classes with background: the channels of a probability map."""
        return len(self.structures) + 1

    @property
    def ignore(self) -> int:
        """The value that marks voxels left out of training: one above the highest structure."""
        return self.count

    def value(self, structure: str) -> int:
        """Label value of a structure."""
        return self.structures.index(structure) + 1

    def as_mapping(self) -> dict[str, int]:
        """``{"background": 0, ...}``: the inverse of ``from_mapping``."""
        return {"background": 0} | {name: n for n, name in enumerate(self.structures, start=1)}


MOST = 254
LONGEST = 100
"""Characters of a name."""
TAKEN = ("background", "ignore")
"""What other values are called."""


def _check_names(names: Sequence[str], where: str) -> None:
    if len(names) > MOST:
        raise DataError(
            f"{where}: {len(names)} structures, more than {MOST}, the values that a label map of "
            "bytes has for them. Join some, or train several models."
        )
    seen: set[str] = set()
    for name in names:
        if name in TAKEN or name in seen or not name.strip():
            kind = "used twice" if name in seen else "empty" if not name.strip() else "taken"
            raise DataError(f"{where}: the name of structure {name!r} is {kind}. Rename it.")
        if len(name) > LONGEST or not name.isprintable():
            raise DataError(
                f"{where}: the name of a structure is {name[:LONGEST]!r}; tables need one of a "
                f"single line and {LONGEST} characters at most. Rename it."
            )
        seen.add(name)
