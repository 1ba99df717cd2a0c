"""``past-cli export``: a trained system as one folder or file that one can keep and move."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["export"]


@click.command()
@click.argument("run", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--system", metavar="NAME", help="Which one.  [default: the one that the run says to take]"
)
@click.option("--zip", "zipped", is_flag=True, help="Write one file instead of a folder.")
def export(run: Path, out: Path, system: str | None, zipped: bool) -> None:
    """Keep a trained system as one folder or file.

    It is written from the run folder RUN into OUT, with all that applying it takes. Weights are
    safetensors, all else is JSON, and README.md is its model card. No scan and no name of one
    goes with it.
    """
    from past_core.exported.export import export_system  # noqa: PLC0415

    written = export_system(run, out, system=system, zipped=zipped)
    click.echo(f"{written}: apply it with past-cli predict {written} SCANS SEGMENTATIONS")
