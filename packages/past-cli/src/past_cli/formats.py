"""Tables in other forms than the terminal's: for spreadsheets, Markdown and papers."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

__all__ = ["FORMS", "format_option", "plain_table", "print_table", "written"]

FORMS = ("text", "csv", "markdown", "latex")


def format_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--format``, the command's parameter ``form``."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(FORMS),
        default="text",
        show_default=True,
        help="How tables are written.",
    )(command)


def print_table(table: Table, form: str) -> None:
    """Print a table; as text for a person, else for another program."""
    from past_cli.console import new_console  # noqa: PLC0415

    if form == "text":
        new_console().print(table)
    else:
        click.echo(written(table, form), nl=False)


def written(table: Table, form: str) -> str:
    """A table as ``csv``, ``markdown`` or ``latex`` (booktabs), with the cells that people see.

    CSV begins with the headings; the two others have the title above the table.
    """
    title, headings, rows, right = plain_table(table)
    if form == "csv":
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows([headings, *rows])
        return file.getvalue()
    from tabulate import tabulate  # noqa: PLC0415

    body = tabulate(
        rows,
        headings,
        tablefmt={"markdown": "pipe", "latex": "latex_booktabs"}[form],
        colalign=["right" if one else "left" for one in right],
        disable_numparse=True,
    )
    if form == "latex":
        body = body.replace("±", r"$\pm$")
        return f"% {title}\n{body}\n" if title else f"{body}\n"
    return f"{title}\n\n{body}\n" if title else f"{body}\n"


def plain_table(table: Table) -> tuple[str, list[str], list[list[str]], list[bool]]:
    """Title, headings, rows, and which columns are aligned to the right; all without markup."""
    columns = table.columns
    rows = zip(*(column.cells for column in columns), strict=True)
    return (
        _plain(table.title or "", " "),
        [_plain(column.header, " ") for column in columns],
        [[_plain(cell, " ") for cell in row] for row in rows],
        [column.justify == "right" for column in columns],
    )


def _plain(cell: RenderableType, line: str) -> str:
    """Text of a cell, without markup, on one line."""
    from rich.text import Text  # noqa: PLC0415

    text = Text.from_markup(cell) if isinstance(cell, str) else cell
    assert isinstance(text, Text)
    return line.join(text.plain.split("\n")).strip()
