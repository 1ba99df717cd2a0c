"""Where the data are: options of every command that opens a data set."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from past_cli.completion import plugins_of

__all__ = ["data_options", "take_folders"]

FOLDER = click.Path(path_type=Path, file_okay=False)

FOLDERS = {
    "source": "Folder of source scans; in place of --data.  [default: --data]",
    "source-labels": "Folder of their labels, paired with scans by name.  [required with --source]",
    "target": "Folder of target scans.  [required with --source]",
    "target-labels": "Folder of labels of target scans, for --oracle alone.  [default: none]",
    "test": "Folder of target scans to segment.  [default: the target scans]",
    "test-labels": "Folder of labels of test scans, to score by.  [default: none]",
    "validation": "Folder of further target scans, to choose settings by.  [default: none]",
    "validation-labels": "Folder of their labels.  [default: none]",
}
LABELS = "Structures and their values, as in vs=1,cochlea=2.  [default: as found]"


def data_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--data``, ``--dataset``, and plain folders: ``--source``, ``--target``, ..."""
    for name, text in reversed(FOLDERS.items()):
        command = click.option(f"--{name}", type=FOLDER, help=text)(command)
    command = click.option("--labels", metavar="NAME=VALUE,...", help=LABELS)(command)
    command = click.option(
        "--dataset",
        metavar="NAME",
        shell_complete=plugins_of("dataset"),
        help="Layout of the data set.  [default: it is recognised]",
    )(command)
    return click.option(
        "--data",
        type=FOLDER,
        help="Folder of the data set. Without data the built-in phantom is made and used.",
    )(command)


def take_folders(options: dict[str, Any]) -> None:
    """Turn plain folders among a command's options into what ``Request`` has.

    They are removed, and in their place ``data``, ``dataset`` and ``assignments`` say the same.

    Raises
    ------
    click.UsageError
        If ``--data`` or another layout is given beside them.
    """
    names = [name.replace("-", "_") for name in FOLDERS]
    given = {name: path for name in names if (path := options.pop(name)) is not None}
    labels = options.pop("labels")
    if not given:
        if labels is not None:
            raise click.UsageError("--labels goes with --source, --source-labels and --target.")
        return
    if options["data"] is not None or options["dataset"] not in (None, "folders"):
        raise click.UsageError("--data and --dataset do not go with plain folders of scans.")
    values = {name: str(path.absolute()) for name, path in given.items()}
    values |= {} if labels is None else {"labels": labels}
    options["data"], options["dataset"] = Path(), "folders"
    # A string of JSON is one of TOML.
    settings = tuple(f"dataset.{name}={json.dumps(value)}" for name, value in values.items())
    options["assignments"] = (*settings, *options["assignments"])
