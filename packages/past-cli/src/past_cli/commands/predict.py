"""``past-cli predict``: apply a trained system to scans."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from past_core.exported.prediction import Predicted
    from past_core.probabilities import Precision

__all__ = ["predict"]


@click.command()
@click.argument("model", type=click.Path(path_type=Path, exists=True))
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--system", metavar="NAME", help="Of a run folder: which one.  [default: the one to take]"
)
@click.option(
    "--protocol",
    metavar="NAME",
    help="Acquisition protocol of all scans.  [default: by the model's rule]",
)
@click.option(
    "--probabilities",
    type=click.Choice(("half", "8bit")),
    help="Also write class probabilities: half precision (.npz), or 8 bits (NIfTI).  "
    "[default: none]",
)
@click.option(
    "--device",
    default="auto",
    show_default=True,
    help="Compute on auto, cpu, cuda or cuda:N; auto is CUDA where there is a GPU.",
)
def predict(
    model: Path,
    paths: tuple[Path, ...],
    *,
    system: str | None,
    protocol: str | None,
    probabilities: Precision | None,
    device: str,
) -> None:
    """Segment scans with a trained system.

    PATHS are one or more scans or folders of them, and last the file or folder to write. MODEL is
    a folder or zip file of past-cli export, or a run folder. Segmentations have their scans'
    names and lie on their grids. What is done already is kept. A scan that cannot be segmented is
    reported, the others are done, and the exit code is 1.
    """
    from past_cli.calm import counted  # noqa: PLC0415
    from past_cli.console import new_console  # noqa: PLC0415
    from past_core.exported import load_system  # noqa: PLC0415
    from past_core.exported.prediction import find_scans, predict_files  # noqa: PLC0415

    if len(paths) < 2:
        raise click.UsageError("name the scans, and last the folder or file to write.")
    pairs = find_scans(paths[:-1], paths[-1])
    console = new_console()
    with console.status("loading"):
        loaded = load_system(model, system=system, device=device)
    done: list[Predicted] = []
    with counted(console, "segmenting") as progress:

        def told(one: Predicted) -> None:
            done.append(one)
            progress(len(done), len(pairs), one.name)

        predict_files(
            loaded,
            pairs,
            protocol=protocol,
            probabilities=probabilities,
            told=told,
        )
    _report(console, done, pairs[0][1].parent)


def _report(console: Console, done: list[Predicted], folder: Path) -> None:
    """The table, then what failed."""
    from past_cli.tables import prediction_table  # noqa: PLC0415

    good = [one for one in done if not one.problem]
    failed = [one for one in done if one.problem]
    if good:
        console.print(prediction_table(good))
    kept = sum(one.kept for one in good)
    console.print(
        f"{len(good)} segmentations in {folder}{f', {kept} of them from before' if kept else ''}.",
        highlight=False,
        soft_wrap=True,
    )
    for one in failed:
        click.echo(f"Error: {one.problem}", err=True)
    if failed:
        sys.exit(1)
