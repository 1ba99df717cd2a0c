"""All that is wrong with a data set, in one error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from past_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["listing"]


def listing(where: str, problems: Sequence[str]) -> DataError:
    """The error that lists every problem: a line with their number, then one line each."""
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    return DataError("\n".join([f"{where}: {count}", *problems]))
