"""``past-cli compare``: several runs in one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from past_cli.completion import plugins_of
from past_cli.formats import format_option, print_table

if TYPE_CHECKING:
    from rich.table import Table

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
    help="Only this system, such as 'translated'; may be repeated.  [default: all]",
)
@click.option(
    "--against",
    metavar="NAME",
    help="Compare every system with this one, case by case.  [default: means alone]",
)
@click.option(
    "--metric",
    default="dice",
    show_default=True,
    shell_complete=plugins_of("metric"),
    metavar="NAME",
    help="What --against compares: dice, or assd (mm).",
)
@click.option(
    "--ranking",
    is_flag=True,
    help="Rank the systems as challenges do, by every metric they were scored by.",
)
@format_option
def compare(
    runs: tuple[Path, ...],
    systems: tuple[str, ...],
    against: str | None,
    metric: str,
    *,
    ranking: bool,
    form: str,
) -> None:
    """Compare runs in one table, or case by case.

    Of the run folders RUNS it gives mean ± standard deviation over those of one name. Folders
    whose names differ in their last number, as in 'nicegan-seed0' and 'nicegan-seed1', are one
    row.

    With --against, differences of the same cases, averaged over the runs of one name: their
    mean, its 95 % interval (bootstrap), p of Wilcoxon's signed-rank test with Holm's correction,
    and the share of the gap between no-da and oracle that is closed. Systems of several names
    are called as in the table without it: 'nicegan translated'.

    With --ranking, systems are ranked on every case by each metric of each structure; the mean
    rank orders them, and cases drawn again (1000 times) tell how stable that order is.
    """
    from past_cli.tables import paired_table, score_table  # noqa: PLC0415
    from past_core.comparison import compare_runs, scores_of_runs  # noqa: PLC0415
    from past_core.paired import differences  # noqa: PLC0415

    if against is not None:
        found = differences(scores_of_runs(runs), against, metric, systems)
        print_table(paired_table(found, against), form)
        return
    if ranking:
        print_table(_ranking(runs, systems), form)
        return
    of = f" of {', '.join(systems)}" if systems else ""
    table = score_table(compare_runs(runs, systems))
    table.title = f"mean ± standard deviation over runs{of}"
    print_table(table, form)


def _ranking(runs: tuple[Path, ...], systems: tuple[str, ...]) -> Table:
    from past_cli.tables import ranking_table  # noqa: PLC0415
    from past_core.challenge import rank_systems  # noqa: PLC0415
    from past_core.comparison import scores_of_runs  # noqa: PLC0415
    from past_core.plugins import MetricSpec, Registry  # noqa: PLC0415

    specs = [one.spec for one in Registry().all("metric") if isinstance(one.spec, MetricSpec)]
    rows = [row for row in scores_of_runs(runs) if not systems or row.system in systems]
    return ranking_table(rank_systems(rows, {s.name: s.higher_is_better for s in specs}))
