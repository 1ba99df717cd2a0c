"""Where tables are printed.

Names, summaries and errors of plugins and files are foreign text, so square brackets and colons in
strings mean nothing here: what is to be bold or coloured is a ``rich.text.Text`` or has a style.
"""

from __future__ import annotations

import os
import sys

from rich.console import Console

__all__ = ["WIDE", "as_text", "new_console"]

WIDE = 160
"""Columns of a page that is no terminal; the widest table fits."""


def new_console() -> Console:
    """A console on stdout; in a file or a pipe it has ``WIDE`` columns, so that nothing is cut.

    With ``NO_COLOR`` a terminal is written to as a file is: no bold, no bars, no codes at all.
    """
    plain = bool(os.environ.get("NO_COLOR"))
    console = Console(
        file=sys.stdout, markup=False, emoji=False, force_terminal=False if plain else None
    )
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        console.width = WIDE
    return console


def as_text(one: object) -> str:
    """What a wide console would print, without colours; lines of text are not broken."""
    console = Console(width=WIDE, no_color=True, markup=False, emoji=False)
    with console.capture() as captured:
        console.print(one, highlight=False, soft_wrap=isinstance(one, str))
    return captured.get()
