"""The terminal during a run: one progress bar, then the closing tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from past_cli.console import WIDE, new_console
from past_cli.quality import quality_table, read_quality, verdict
from past_cli.tables import score_table, stage_table
from past_core.pipeline import RunResult, StageReport
from past_core.plugins import Registry
from past_core.scoring import summarise

__all__ = ["Display"]


class Display:
    """Observes a run and shows it; a context manager around the run."""

    def __init__(self) -> None:
        # Stages redirect sys.stdout into their logs; the display keeps the terminal.
        self.console = new_console()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=self.console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._bar.add_task("", total=None, note="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def plugins(self, registry: Registry) -> None:
        """Warn of plugins that could not be loaded."""
        for broken in registry.broken:
            self.console.print(
                f"[yellow]Left out: {broken.distribution} {broken.version} failed to load "
                f"({broken.reason})"
            )

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Show that something without a measure of progress is under way."""
        with self.console.status(what):
            yield

    def stage_started(self, name: str, number: int, count: int) -> None:
        """Point the bar at the next stage."""
        description = f"[bold]{name}[/bold] ({number}/{count})"
        self._bar.reset(self._task, description=description, total=None, note="")

    def progress(self, done: int, total: int, note: str = "") -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=done, total=total, note=note)

    def stage_finished(self, report: StageReport) -> None:
        """Leave a line above the bar."""
        if report.reused:
            cost = "kept from an earlier run"
        else:
            cost = f"{report.seconds:.1f} s, {report.peak_mib:.0f} MiB"
        self._bar.console.print(f"  {report.name:<20} [dim]{cost}", highlight=False)

    def quality(self, folder: Path, translator: str, structures: Sequence[str]) -> None:
        """Print what the run knows of its translator without target labels, if it does."""
        report = read_quality(folder)
        if report is None:
            (folder / "quality.txt").unlink(missing_ok=True)
            return
        table, said = quality_table(report, structures), verdict(report, translator)
        self.console.print(table)
        self.console.print(said, style="yellow" if report["beats_baselines"] is False else "")
        (folder / "quality.txt").write_text(f"{_plain(table)}{said}\n")

    def summary(self, result: RunResult, panels: Sequence[Path]) -> None:
        """Print the closing tables and where everything is."""
        (result.folder / "stages.txt").write_text(_plain(stage_table(result.stages)))
        if result.scores:
            table = score_table(summarise(result.scores))
            self.console.print(table)
            (result.folder / "summary.txt").write_text(_plain(table))
        else:
            self.console.print("The test cases have no labels: segmented, not scored.")
        fresh = sum(stage.seconds for stage in result.stages if not stage.reused)
        peak = max(stage.peak_mib for stage in result.stages)
        self.console.print(
            f"{fresh:.0f} s in stages that ran now; peak memory {peak:.0f} MiB.", highlight=False
        )
        for path in (result.folder / "scores.csv", *panels):
            self.console.print(f"  {path}", highlight=False, soft_wrap=True)


def _plain(table: object) -> str:
    console = Console(width=WIDE, no_color=True)
    with console.capture() as captured:
        console.print(table)
    return captured.get()
