"""``past-cli evaluate``: score segmentations that lie in a folder."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["evaluate"]

FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command()
@click.argument("predictions", type=FOLDER)
@click.argument("references", type=FOLDER)
@click.option(
    "--labels",
    required=True,
    metavar="NAME=VALUE,...",
    help="Structures and their values, as in vs=1,cochlea=2; or names in the order of values.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the scores as CSV, to this file.  [default: only print them]",
)
def evaluate(predictions: Path, references: Path, labels: str, out: Path | None) -> None:
    """Score segmentations that lie in a folder.

    Those in PREDICTIONS are paired by name with those in REFERENCES. Dice is 0 to 1, ASSD in mm.
    """
    from past_cli.console import new_console  # noqa: PLC0415
    from past_cli.tables import score_table  # noqa: PLC0415
    from past_core.evaluation import score_folders  # noqa: PLC0415
    from past_core.labels import Labels  # noqa: PLC0415
    from past_core.plugins import Registry  # noqa: PLC0415
    from past_core.scoring import summarise, write_scores  # noqa: PLC0415

    structures = Labels.from_text(labels, "--labels")
    registry = Registry()
    rows = score_folders(predictions, references, structures, registry.metrics)
    new_console().print(score_table(summarise(rows)))
    if out is not None:
        write_scores(out, rows)
