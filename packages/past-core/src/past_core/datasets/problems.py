"""All that is wrong with a data set, in one error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from past_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["raise_problems"]


def raise_problems(where: str, problems: Sequence[str]) -> None:
    """Raise one error that lists every problem; none at all is fine.

    Raises
    ------
    DataError
        If there are problems: a line with their number, then one line each.
    """
    if problems:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise DataError("\n".join([f"{where}: {count}", *problems]))
