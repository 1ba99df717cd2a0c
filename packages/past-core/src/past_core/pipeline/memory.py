"""Peak memory of a stretch of the program, its worker processes included."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

import psutil

__all__ = ["PeakMemory"]


class PeakMemory:
    """Samples resident memory while a ``with`` block runs.

    The operating system only keeps a peak for the whole life of a process, so a
    thread looks ten times a second; shorter spikes can be missed.
    """

    interval = 0.1
    """Seconds between samples."""

    def __init__(self) -> None:
        self.mib = 0.0
        """Highest resident memory seen, MiB."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        process = psutil.Process()
        while True:
            self.mib = max(self.mib, _resident(process) / 2**20)
            if self._stop.wait(self.interval):
                return


def _resident(process: psutil.Process) -> int:
    total = int(process.memory_info().rss)
    for child in process.children(recursive=True):
        try:
            total += int(child.memory_info().rss)
        except psutil.Error:
            continue  # it ended between listing and asking
    return total
