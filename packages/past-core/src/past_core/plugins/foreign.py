"""Calls what others wrote: whatever it does then becomes an answer, not the end of the program."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

__all__ = ["ForeignError", "foreign"]

log = logging.getLogger(__name__)

LONGEST = 1000
"""Characters of a foreign error that are told."""


class ForeignError(Exception):
    """Foreign code failed; the message says how, the cause is what it raised."""


@contextmanager
def foreign(who: str, patience: float) -> Iterator[None]:
    """Guard a block that runs a plugin's code.

    What it prints goes to stderr, for it must not spoil what a command prints for programs; if it
    takes long, it is named; whatever it raises, ``sys.exit`` too, becomes a ``ForeignError``.

    Parameters
    ----------
    who
        Whose code it is, for people.
    patience
        Seconds after which it is named.
    """
    try:
        with redirect_stdout(sys.stderr), _named_if_slow(who, patience):
            yield
    except (Exception, SystemExit, GeneratorExit) as error:
        raise ForeignError(_said(error)) from error


def _said(error: BaseException) -> str:
    """The error's type and text, without codes that a terminal would obey."""
    try:
        text = str(error)
    except Exception as again:
        text = f"its text cannot be had, {type(again).__name__}"
    shown = "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text[:LONGEST])
    return f"{type(error).__name__}: {shown}{'...' if len(text) > LONGEST else ''}"


@contextmanager
def _named_if_slow(who: str, patience: float) -> Iterator[None]:
    """Say what is waited for, if it takes more than a few seconds."""
    timer = threading.Timer(patience, log.warning, ("waiting for the plugin of %s to load", who))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
