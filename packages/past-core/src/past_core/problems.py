"""All that is wrong with a data set, in one error."""

from __future__ import annotations

from reprlib import Repr
from typing import TYPE_CHECKING

from past_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SHOWN", "first_ones", "listing", "refuse", "shown", "some_of"]

SHOWN = 10
LONGEST = 2000
"""Characters of a line."""

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 120
_SHORT.maxlevel = 3


def listing(where: str, problems: Sequence[str]) -> DataError:
    """The error that lists problems: a line with their number, then the first ten."""
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    lines = [
        line if len(line) <= LONGEST else f"{line[:LONGEST]} …" for line in first_ones(problems)
    ]
    return DataError("\n".join([f"{where}: {count}", *lines]))


def first_ones(lines: Sequence[str]) -> list[str]:
    """The first ten, and a line that says how many more there are."""
    more = [f"... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return [*lines[:SHOWN], *more]


def some_of(values: Sequence[object], most: int = 6) -> str:
    """A few values as Python writes them, and whether there are more."""
    return f"{list(values[:most])}{' and more' if len(values) > most else ''}"


def shown(value: object) -> str:
    """A value as Python writes it, but no more of it than fits into a message."""
    try:
        return _SHORT.repr(value)
    except ValueError:  # a whole number of thousands of digits
        return f"{type(value).__name__} of too many digits"


def refuse(where: str, problems: Sequence[str]) -> None:
    """Raise one error of all problems, if there are any.

    Raises
    ------
    DataError
        See ``listing``.
    """
    if problems:
        raise listing(where, problems)
