"""``past-cli phantom``: write the built-in data set to disk."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["phantom"]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of the phantom, as in source=8 (scans) or seed=1. Repeatable.  "
    "[default: see past-cli plugins phantom]",
)
def phantom(folder: Path, assignments: tuple[str, ...]) -> None:
    """Write the built-in data set, a digital head phantom.

    FOLDER gets the layout of crossMoDA 2021.
    """
    from past_core.config import parse_config  # noqa: PLC0415
    from past_core.datasets.phantom.config import PhantomConfig  # noqa: PLC0415
    from past_core.datasets.phantom.dataset import PhantomReader  # noqa: PLC0415
    from past_core.recipe import parse_assignments  # noqa: PLC0415

    keyed = [f"dataset.{assignment}" for assignment in assignments]
    tables = parse_assignments(keyed, {"dataset": ["phantom"]})
    values = tables.get("dataset", {}).get("phantom", {})
    dataset = PhantomReader(parse_config(PhantomConfig, values, "dataset.phantom")).open(folder)
    click.echo(
        f"{folder}: {len(dataset.source)} source, {len(dataset.target)} target and "
        f"{len(dataset.test)} test scans."
    )
