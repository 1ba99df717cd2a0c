"""Turns what nnU-Net prints and warns about into log records."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

__all__ = ["captured"]


class _ToLog:
    """Stands in for ``sys.stdout``: this thread's lines go to a log, others' pass through.

    Other threads must pass, since a progress display may be drawn by one of them.
    """

    def __init__(self, stream: TextIO, log: logging.Logger) -> None:
        self._stream = stream
        self._log = log
        self._thread = threading.get_ident()
        self._line = ""

    def write(self, text: str) -> int:
        if threading.get_ident() != self._thread:
            return self._stream.write(text)
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            if line.strip():
                self._log.info("%s", line.rstrip())
        return len(text)

    def flush(self) -> None:
        if threading.get_ident() != self._thread:
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (a stream's other attributes)
        return getattr(self._stream, name)


@contextmanager
def captured(log: logging.Logger) -> Iterator[None]:
    """Within the block, this thread's prints and all warnings become records of ``log``."""
    stdout = sys.stdout
    sys.stdout = _ToLog(stdout, log)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            yield
        for warning in caught:
            log.info("%s: %s", warning.category.__name__, warning.message)
    finally:
        sys.stdout = stdout
