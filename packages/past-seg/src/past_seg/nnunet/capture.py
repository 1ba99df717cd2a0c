"""Catches what nnU-Net prints and warns about, line by line."""

from __future__ import annotations

import sys
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

__all__ = ["captured"]


class _Lines:
    """Stands in for ``sys.stdout``: this thread's lines are handed on, others' pass through.

    Other threads must pass, since a progress display may be drawn by one of them.
    """

    def __init__(self, stream: TextIO, say: Callable[[str], object]) -> None:
        self._stream = stream
        self._say = say
        self._thread = threading.get_ident()
        self._line = ""

    def write(self, text: str) -> int:
        if threading.get_ident() != self._thread:
            return self._stream.write(text)
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            if line.strip():
                self._say(line.rstrip())
        return len(text)

    def flush(self) -> None:
        if threading.get_ident() != self._thread:
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (a stream's other attributes)
        return getattr(self._stream, name)


@contextmanager
def captured(say: Callable[[str], object]) -> Iterator[None]:
    """Within the block, each line that this thread prints, and all warnings, go to ``say``."""
    stdout = sys.stdout
    sys.stdout = _Lines(stdout, say)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            yield
        for warning in caught:
            say(f"{warning.category.__name__}: {warning.message}")
    finally:
        sys.stdout = stdout
