"""``past-cli report``: one HTML page of a run, or of several."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["report"]


@click.command()
@click.argument(
    "runs",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The HTML file.  [default: report.html in the run folder, or here for several runs]",
)
def report(runs: tuple[Path, ...], out: Path | None) -> None:
    """Write one HTML page of a run, or of several.

    Of the run folders RUNS it shows which system to take and how far to trust it, scores and every
    scan's, pictures, what was chosen and why, trainings, costs, and how it was made. The file
    opens offline by a double click; everything it shows is in it.
    """
    from past_cli.display import REPORT  # noqa: PLC0415
    from past_cli.report import write_report  # noqa: PLC0415

    path = out or (runs[0] if len(runs) == 1 else Path()) / REPORT
    click.echo(write_report(runs, path))
