"""How a folder finds its reader, and is opened as a data set."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from past_core.errors import DataError, PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from past_core.dataset import Dataset
    from past_core.interfaces import DatasetReader
    from past_core.plugins import Registry

__all__ = ["open_dataset", "recognise"]

log = logging.getLogger(__name__)


def recognise(registry: Registry, folder: Path) -> str:
    """Name of the one installed reader that recognises a folder's layout.

    Raises
    ------
    DataError
        If the folder is missing, or none or several readers recognise it.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder. Check the path of the data set.")
    installed = [one.spec for one in registry.all("dataset")]
    found = [spec.name for spec in installed if _recognises(registry, spec.name, folder)]
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(
            f"{folder}: could be {' or '.join(found)}. Choose one with --dataset, as in "
            f"--dataset {found[0]}."
        )
    around = folder.absolute().parent
    if any(_recognises(registry, spec.name, around) for spec in installed):
        raise DataError(f"{folder}: is a part of a data set. Name the folder around it, {around}.")
    layouts = "\n".join(f"  {spec.name}: {spec.summary}" for spec in installed)
    raise DataError(
        f"{folder}: no installed reader recognises this folder. Looked for:\n{layouts}\n"
        "Bring the folder into one of these layouts, or name its reader with --dataset."
    )


def open_dataset(
    registry: Registry, folder: Path, name: str | None = None, values: Mapping[str, Any] = {}
) -> Dataset:
    """Open a folder with the reader of this name, or with the one that recognises it.

    ``values`` configures the reader. Without test scans, those of the target are to be segmented.

    Raises
    ------
    PluginError, ConfigError, DataError
        If the reader is unknown, its configuration is wrong, or the folder is.
    """
    reader = _reader(registry, name or recognise(registry, folder), values)
    return reader.open(folder).with_test()


def _recognises(registry: Registry, name: str, folder: Path) -> bool:
    """Ask one reader; one that cannot be loaded must not keep the others from answering."""
    try:
        return _reader(registry, name, {}).recognises(folder)
    except PluginError as error:
        log.warning("%s", error)
        return False


def _reader(registry: Registry, name: str, values: Mapping[str, Any]) -> DatasetReader:
    config = registry.config("dataset", name, values, f"dataset.{name}")
    reader: DatasetReader = registry.create("dataset", name, config)
    return reader
