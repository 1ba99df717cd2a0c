"""Progress where no bar can be drawn, in a pipe or a file: a line now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import click

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console

    from past_core.interfaces.context import Progress as Told

__all__ = ["INTERVAL", "CalmProgress", "counted"]

INTERVAL = 30.0
"""Seconds between two lines."""


@dataclass
class _Task:
    """How far one has come, and since when."""

    since: float
    done: int = 0
    total: int = 0
    note: str = ""
    first: int | None = None
    """What was done already when it was first told: a resumed training does not begin at 0."""


class CalmProgress:
    """Says every half minute how far everything at work has come; a context manager.

    Parameters
    ----------
    say
        Called with a line.
    interval
        Seconds between two lines of a task.
    clock
        Seconds, from anywhere.
    """

    def __init__(
        self,
        say: Callable[[str], object],
        interval: float = INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say, self._interval, self._clock = say, interval, clock
        self._tasks: dict[str, _Task] = {}
        self._last = clock()
        self._lock, self._over = threading.Lock(), threading.Event()
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
        self._over.set()
        self._thread.join()

    def begin(self, name: str) -> None:
        """A task is at work."""
        with self._lock:
            self._tasks[name] = _Task(self._clock())

    def move(self, name: str, done: int, total: int, note: str = "") -> None:
        """``done`` of ``total`` units are finished."""
        with self._lock:
            task = self._tasks[name]
            if task.first is None:
                task.first, task.since = done, self._clock()
            task.done, task.total, task.note = done, total, note

    def end(self, name: str) -> None:
        """The task is finished."""
        with self._lock:
            self._tasks.pop(name, None)

    def tick(self) -> None:
        """Say how far all is, if the last time is long enough ago."""
        with self._lock:
            now = self._clock()
            if now - self._last < self._interval:
                return
            self._last = now
            lines = [_line(name, task, now) for name, task in self._tasks.items()]
        for line in lines:
            self._say(line)

    def _watch(self) -> None:
        """A stage may say nothing for long, so a clock asks."""
        while not self._over.wait(min(1.0, self._interval / 4)):
            try:
                self.tick()
            except OSError:  # nobody reads the pipe any more; the command itself will find out
                return


def _line(name: str, task: _Task, now: float) -> str:
    if not task.total:
        return f"  {name}: at work"
    note = f", {task.note}" if task.note else ""
    return f"  {name}: {task.done} of {task.total}{_remaining(task, now)}{note}"


def _remaining(task: _Task, now: float) -> str:
    """As long as it took so far, for each unit that is left."""
    fresh = task.done - (task.first or 0)
    if fresh <= 0 or task.done >= task.total:
        return ""
    seconds = (now - task.since) / fresh * (task.total - task.done)
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f", about {hours}:{minutes:02}:{rest:02} left"


@contextmanager
def counted(console: Console, what: str) -> Iterator[Told]:
    """Give a function that is told how far a command has come, ``(done, total, last)``.

    A terminal shows it in a line of its own; elsewhere it is said on stderr every half minute.
    """
    if console.is_terminal and not console.is_dumb_terminal:
        with console.status(what) as status:

            def show(done: int, total: int, note: str = "") -> None:
                last = f", last {note}" if note else ""
                status.update(f"{what}: {done} of {total} scans{last}")

            yield show
        return
    with CalmProgress(lambda line: click.echo(line, err=True)) as calm:
        calm.begin(what)

        def note_down(done: int, total: int, note: str = "") -> None:
            calm.move(what, done, total, note)

        yield note_down
