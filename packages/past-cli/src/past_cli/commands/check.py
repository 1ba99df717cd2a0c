"""``past-cli check``: look at a data set before anything is trained on it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from past_cli.data_options import data_options, take_folders

if TYPE_CHECKING:
    from rich.console import Console

    from past_core.dataset import Dataset
    from past_core.inspection import Inspection
    from past_core.plugins import Registry

__all__ = ["check"]

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("folder", metavar="[DATA]", required=False, type=FOLDER)
@data_options
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of the data set's reader, as in dataset.file=fold0.json. Repeatable.  "
    "[default: the reader's own]",
)
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
@click.option(
    "--pictures",
    type=FOLDER,
    help="Draw each case's middle slices into this folder.  [default: draw none]",
)
@click.option(
    "--fix",
    type=FOLDER,
    help="Write sound copies of labels that are right but for rounding, and a dataset.json "
    "that names them, into this folder. No original is touched.  [default: write none]",
)
def check(
    folder: Path | None,
    *,
    as_json: bool,
    pictures: Path | None,
    fix: Path | None,
    **options: Any,  # noqa: ANN401
) -> None:
    """Say what is in a data set, and all that is wrong or odd.

    Each finding comes with its remedy. DATA is a folder of any layout that past-cli pipeline
    takes, or --source, --source-labels and --target name plain folders. The exit code is 1 if a
    run would refuse the data.
    """
    from past_cli.calm import counted  # noqa: PLC0415
    from past_cli.console import new_console  # noqa: PLC0415
    from past_core.inspection import inspect, mend  # noqa: PLC0415
    from past_core.plugins import Registry  # noqa: PLC0415

    console = new_console()
    dataset = _open(Registry(), folder, options)
    with counted(console, "reading") as progress:
        seen = inspect(dataset, progress)
    if as_json:
        click.echo(json.dumps(asdict(seen), indent=1))
    else:
        _print(console, dataset, seen)
    if pictures is not None:
        from past_cli.case_pictures import draw_cases  # noqa: PLC0415

        drawn = draw_cases(dataset, pictures)
        click.echo(f"{len(drawn)} pictures in {pictures}", err=as_json)
    if fix is not None:
        copies = mend(dataset, seen, fix)
        click.echo(f"{len(copies)} mended labels; use --data {fix}", err=as_json)
    if not seen.sound:
        sys.exit(1)


def _open(registry: Registry, folder: Path | None, options: dict[str, Any]) -> Dataset:
    from past_core.datasets import open_dataset, recognise  # noqa: PLC0415
    from past_core.recipe import parse_assignments  # noqa: PLC0415

    if folder is not None and options["data"] is not None:
        raise click.UsageError("DATA and --data are the same; give one of them.")
    options["data"] = options["data"] or folder
    take_folders(options)
    data: Path | None = options["data"]
    if data is None:
        raise click.UsageError("name the data's folder, or --source, --source-labels, --target.")
    name = options["dataset"] or recognise(registry, data)
    values = parse_assignments(options["assignments"], {"dataset": [name]})
    if "crop" in values:
        raise click.UsageError("--set crop...: only settings of the data set are known here.")
    return open_dataset(registry, data.absolute(), name, values.get("dataset", {}).get(name, {}))


def _print(console: Console, dataset: Dataset, seen: Inspection) -> None:
    from rich.text import Text  # noqa: PLC0415

    from past_cli.inspection_table import inspection_table  # noqa: PLC0415

    for note in dataset.notes:
        console.print(note, highlight=False)
    console.print(inspection_table(seen))
    for finding in seen.findings:
        mark = ("Fault", "red") if finding.fault else ("Look", "yellow")
        console.print(Text.assemble(mark, ": ", finding.text), highlight=False, soft_wrap=True)
    faults = sum(one.fault for one in seen.findings)
    odd = len(seen.findings) - faults
    mendable = sum(one.mendable for one in seen.cases)
    said = f"{len(seen.cases)} cases, {faults} faults, {odd} things to look at."
    if mendable:
        said += f" {mendable} labels can be mended: --fix FOLDER."
    console.print(said, highlight=False)
