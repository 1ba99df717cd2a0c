"""What is printed during a run: progress of each stage at work, then the closing tables."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from rich.text import Text

from past_cli.bars import stage_progress
from past_cli.closing import closing
from past_cli.console import as_text, new_console
from past_cli.quality import quality_tables
from past_cli.tables import stage_table
from past_core.files import write_text
from past_core.pipeline import Run, StageReport
from past_core.plugins import Registry

__all__ = ["REPORT", "Display"]

REPORT = "report.html"
"""In the run folder: what to look at."""


class Display:
    """Observes a run and shows it; a context manager around the run."""

    def __init__(self) -> None:
        # Stages redirect sys.stdout into their logs; the display keeps the terminal.
        self.console = new_console()
        self._progress = stage_progress(self.console)
        self._titles: dict[str, str] = {}
        self._reports: list[StageReport] = []

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.__exit__(kind, error, trace)

    def plugins(self, registry: Registry) -> None:
        """Warn of plugins that could not be loaded."""
        for broken in registry.broken:
            self.console.print(
                f"Left out: {broken.distribution} {broken.version} failed to load "
                f"({broken.reason})",
                style="yellow",
                highlight=False,
            )

    def stage_started(self, stage: str, number: int, count: int) -> None:
        """Show the stage beside others at work."""
        self._titles[stage] = f"{stage} ({number}/{count})"
        self._progress.begin(self._titles[stage])

    def progress(self, stage: str, done: int, total: int, note: str = "") -> None:
        """Say how far the stage is."""
        self._progress.move(self._titles[stage], done, total, note)

    def stage_finished(self, report: StageReport) -> None:
        """Leave a line."""
        self._progress.end(self._titles.pop(report.name))
        self._reports.append(report)
        if not report.reused:
            cost = f"{report.seconds:.1f} s, {report.peak_mib:.0f} MiB"
            line = Text.assemble(f"  {report.name:<32} ", (cost, "dim"))
            self.console.print(line, highlight=False)

    def notice(self, text: str) -> None:
        """Say it."""
        self.console.print(text, style="yellow", highlight=False)

    def finished(self, run: Run) -> None:
        """Print the closing tables and where everything is; keep them beside the run."""
        fresh = [report for report in self._reports if not report.reused]
        if kept := len(self._reports) - len(fresh):
            self.console.print(f"  {kept} stages are kept from earlier.", highlight=False)
        for one in run.translations():
            if one.planned is not None:
                self.console.print(f"{one.name}: {one.planned}", highlight=False)
        self._quality(run)
        write_text(run.folder / "stages.txt", as_text(stage_table(self._reports)))
        said = list(closing(run))
        for part in said:
            self.console.print(part, highlight=False, soft_wrap=isinstance(part, str))
        write_text(run.folder / "summary.txt", "".join(map(as_text, said)))
        if fresh:
            peak = max(report.peak_mib for report in fresh)
            self.console.print(
                f"{sum(report.seconds for report in fresh):.0f} s in stages that ran now; "
                f"peak memory {peak:.0f} MiB.",
                highlight=False,
            )
        for path in self._files(run, redraw=bool(fresh)):
            self.console.print(f"  {path}", highlight=False, soft_wrap=True)

    def _quality(self, run: Run) -> None:
        text = ""
        for table, said, good in quality_tables(run):
            self.console.print(table)
            self.console.print(said, style="" if good else "yellow")
            text += f"{as_text(table)}{said}\n"
        path = run.folder / "quality.txt"
        if text:
            write_text(path, text)
        else:
            path.unlink(missing_ok=True)

    def _files(self, run: Run, *, redraw: bool) -> list[Path]:
        """Segmentations, scores, report; drawn only if something is new: it takes seconds."""
        report = run.folder / REPORT
        if redraw or not report.is_file():
            from past_cli.panels import draw_panels  # noqa: PLC0415
            from past_cli.report import write_report  # noqa: PLC0415

            draw_panels(run)
            write_report([run.folder], report)
        answer = [] if run.answer is None else [run.segmentations(run.answer)]
        kept = [path for path in (*answer, run.folder / "scores.csv") if path.exists()]
        return [*kept, report]
