"""All that is wrong with a data set, in one error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from past_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["listing", "refuse"]

SHOWN = 10
LONGEST = 2000
"""Characters of a line."""


def listing(where: str, problems: Sequence[str]) -> DataError:
    """The error that lists problems: a line with their number, then the first ten."""
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    lines = [line if len(line) <= LONGEST else f"{line[:LONGEST]} …" for line in problems[:SHOWN]]
    more = [f"... and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
    return DataError("\n".join([f"{where}: {count}", *lines, *more]))


def refuse(where: str, problems: Sequence[str]) -> None:
    """Raise one error of all problems, if there are any.

    Raises
    ------
    DataError
        See ``listing``.
    """
    if problems:
        raise listing(where, problems)
