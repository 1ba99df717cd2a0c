"""``past-cli clean``: remove what earlier settings left in a run folder."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["clean"]


@click.command()
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
def clean(run: Path, dry_run: bool) -> None:
    """Remove what the newest run in a folder does not use.

    Of the run folder RUN those stages go that earlier settings left.
    """
    from past_core.pipeline import clean_run  # noqa: PLC0415

    removed, size = clean_run(run, pretend=dry_run)
    for folder in removed:
        click.echo(f"  {folder}")
    verb = "would be removed" if dry_run else "removed"
    click.echo(f"{len(removed)} stage(s), {size / 2**20:.1f} MiB {verb}.")
