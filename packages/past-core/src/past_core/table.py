"""Tables in text files: rows of cells by column, read with suspicion."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from past_core.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_rows"]


def read_rows(path: Path, *needed: str, delimiter: str = ",") -> list[dict[str, str]]:
    """Rows of a table whose first line names its columns; cells that a row lacks are empty.

    Parameters
    ----------
    needed
        Columns that must be there.

    Raises
    ------
    DataError
        If it cannot be read, is no table in UTF-8, lacks a column, or a row has too many cells.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, delimiter=delimiter, restkey="", restval="")
            known = reader.fieldnames or ()
            if lacking := [name for name in needed if name not in known]:
                raise DataError(
                    f"{path}: no column {', '.join(lacking)}; it has "
                    f"{', '.join(known) or 'none'}. Correct the table."
                )
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not readable as a table ({error}). Replace it.") from error
    for number, row in enumerate(rows, start=2):
        if isinstance(row.get(""), list):
            raise DataError(
                f"{path}: row {number} has more cells than there are columns. Correct the table."
            )
    return rows
