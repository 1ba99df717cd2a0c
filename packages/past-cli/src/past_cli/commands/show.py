"""``past-cli show``: the tables of a run, read from its folder."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["show"]


@click.command()
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--stages", is_flag=True, help="Also what each stage cost.")
@click.option("--systems", is_flag=True, help="Also the systems file that it used.")
@click.option(
    "--provenance", is_flag=True, help="Also with what it was made: command, versions, machine."
)
def show(run: Path, stages: bool, systems: bool, provenance: bool) -> None:
    """Show the tables of a run again.

    The run folder RUN holds scores, choices, and figures of its translators.
    """
    from past_cli.closing import closing  # noqa: PLC0415
    from past_cli.console import new_console  # noqa: PLC0415
    from past_cli.provenance import provenance_lines  # noqa: PLC0415
    from past_cli.quality import quality_tables  # noqa: PLC0415
    from past_cli.tables import stage_table  # noqa: PLC0415
    from past_core.pipeline import open_run  # noqa: PLC0415

    opened = open_run(run)
    console = new_console()
    for figures, said, good in quality_tables(opened):
        console.print(figures)
        console.print(said, style="" if good else "yellow")
    for one in closing(opened):
        console.print(one, highlight=False, soft_wrap=isinstance(one, str))
    for name, reason in opened.record.get("left_out", {}).items():
        console.print(f"{name} is left out: {reason}", style="yellow", highlight=False)
    if stages:
        console.print(stage_table(opened.stages()))
    if provenance:
        for line in provenance_lines(opened):
            console.print(line, highlight=False, soft_wrap=True)
    if systems:
        console.print(opened.systems_file, highlight=False)
