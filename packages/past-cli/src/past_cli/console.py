"""Where tables are printed."""

from __future__ import annotations

import os
import sys

from rich.console import Console

__all__ = ["WIDE", "new_console"]

WIDE = 160
"""Columns of a page that is no terminal; the widest table fits."""


def new_console() -> Console:
    """A console on stdout; in a file or a pipe it has ``WIDE`` columns, so that nothing is cut."""
    console = Console(file=sys.stdout)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDE
    return console
