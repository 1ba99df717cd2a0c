"""``past-cli compare``: several runs in one table."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["compare"]


@click.command()
@click.argument(
    "runs",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
)
@click.option(
    "--system",
    "systems",
    multiple=True,
    metavar="NAME",
    help="Only this system, such as 'translated'; may be repeated. Default: all.",
)
def compare(runs: tuple[Path, ...], systems: tuple[str, ...]) -> None:
    """Compare the run folders RUNS: mean ± standard deviation over those of one name.

    Folders whose names differ in their last number, as in 'nicegan-seed0' and
    'nicegan-seed1', are one row.
    """
    from past_cli.console import new_console  # noqa: PLC0415
    from past_cli.tables import score_table  # noqa: PLC0415
    from past_core.comparison import compare_runs  # noqa: PLC0415

    of = f" of {', '.join(systems)}" if systems else ""
    table = score_table(compare_runs(runs, systems))
    table.title = f"mean ± standard deviation over runs{of}"
    new_console().print(table)
