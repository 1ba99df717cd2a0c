"""The data sets that past-core reads, and how a folder finds its reader."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from past_core.errors import DataError, PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from past_core.dataset import Dataset
    from past_core.plugins import Registry

__all__ = ["open_dataset", "recognise"]

log = logging.getLogger(__name__)


def open_dataset(
    registry: Registry,
    folder: Path,
    name: str | None = None,
    values: Mapping[str, Any] | None = None,
) -> Dataset:
    """Open a folder with a named reader, or with the one that recognises it.

    Parameters
    ----------
    registry
        The installed plugins.
    folder
        Of the data set.
    name
        Of the reader, as in ``--dataset crossmoda``.
    values
        Settings of the reader.

    Raises
    ------
    DataError
        If no reader, or more than one, recognises the folder, or its files are wrong.
    PluginError, ConfigError
        If no reader has that name, or a setting is wrong.
    """
    chosen = recognise(registry, folder) if name is None else name
    config = registry.config("dataset", chosen, values or {}, f"dataset.{chosen}")
    dataset: Dataset = registry.create("dataset", chosen, config).open(folder)
    return dataset


def recognise(registry: Registry, folder: Path) -> str:
    """Name of the one reader that recognises a folder.

    Raises
    ------
    DataError
        If the folder is missing, or not exactly one reader recognises it.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder. Check the path to the data.")
    looked_for: list[str] = []
    found: list[str] = []
    for one in registry.all("dataset"):
        name = one.spec.name
        looked_for.append(f"  {name}: {one.spec.summary}")
        try:
            config = registry.config("dataset", name, {}, f"dataset.{name}")
            known = registry.create("dataset", name, config).recognises(folder)
        except PluginError as error:
            # A broken reader must not keep the others from being asked.
            log.warning("%s", error)
            continue
        if known:
            found.append(name)
    if len(found) == 1:
        return found[0]
    if found:
        raise DataError(
            f"{folder}: {' and '.join(found)} both know this layout. "
            f"Choose one with --dataset {found[0]}."
        )
    raise DataError(
        "\n".join(
            [
                f"{folder}: no installed reader knows this layout. Looked for:",
                *looked_for,
                "Bring the folder into one of these layouts, or name its reader with --dataset.",
            ]
        )
    )
