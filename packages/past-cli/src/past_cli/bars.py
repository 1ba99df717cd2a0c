"""Progress of stages: bars on a terminal, calm lines elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from past_cli.calm import CalmProgress

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console

__all__ = ["Bars", "StageProgress", "stage_progress"]


class StageProgress(Protocol):
    """Shows tasks at work between its begin and end; a context manager."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Show no more."""

    def begin(self, name: str) -> None:
        """A task is at work."""

    def move(self, name: str, done: int, total: int, note: str = "") -> None:
        """``done`` of ``total`` units are finished."""

    def end(self, name: str) -> None:
        """The task is finished."""


def stage_progress(console: Console) -> StageProgress:
    """Bars where the console can draw over what it wrote, else lines."""
    if console.is_terminal and not console.is_dumb_terminal:
        return Bars(console)
    return CalmProgress(lambda line: console.print(line, highlight=False, soft_wrap=True))


class Bars:
    """A bar for each task at work, below what is printed."""

    def __init__(self, console: Console) -> None:
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", style="dim", markup=False),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def begin(self, name: str) -> None:
        """Show a bar beside those of others."""
        self._tasks[name] = self._bars.add_task(name, total=None, note="")

    def move(self, name: str, done: int, total: int, note: str = "") -> None:
        """Move the bar."""
        self._bars.update(self._tasks[name], completed=done, total=total, note=note)

    def end(self, name: str) -> None:
        """Take the bar away."""
        self._bars.remove_task(self._tasks.pop(name))
