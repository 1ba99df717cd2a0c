"""Writes the phantom in crossMoDA 2021's layout, and opens it as that."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
from pydantic import ValidationError

from past_core.datasets.crossmoda.edition2021 import (
    ORACLE,
    PROTOCOLS,
    SOURCE,
    TARGET,
    TUNING,
    VALIDATION,
    CrossModaConfig,
    CrossModaReader,
)
from past_core.datasets.phantom.config import PhantomConfig
from past_core.errors import DataError
from past_core.files import read_json
from past_core.interfaces.reader import DatasetReader
from past_core.volume import save_volume

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from past_core.dataset import Dataset

__all__ = ["PhantomReader", "write_phantom"]

log = logging.getLogger(__name__)

RECORD = "phantom.json"
"""File that records the configuration a phantom was made with."""
GENERATION = 1
"""Raised whenever the same configuration gives other voxels than before."""

FIRST_NUMBER = {SOURCE: 1, TARGET: 106, VALIDATION: 211, TUNING: 1001}


class PhantomReader(DatasetReader):
    """Makes the phantom in a folder unless it is there, and opens it.

    It is chosen by name, never recognised: a folder that holds a phantom has
    crossMoDA's layout.
    """

    config: PhantomConfig

    def recognises(self, folder: Path) -> bool:  # noqa: ARG002
        """Never: the phantom is chosen by name."""
        return False

    def open(self, folder: Path) -> Dataset:
        """Write the phantom if ``folder`` is missing or empty, then list its cases.

        One region holds all that its heads have to show: translators see no other.

        Raises
        ------
        DataError
            If the folder holds other files, or a phantom of another configuration.
        """
        write_phantom(folder, self.config)
        opened = CrossModaReader(CrossModaConfig()).open(folder)
        return replace(opened, name="phantom", translation_roi=None)


def write_phantom(folder: Path, config: PhantomConfig) -> None:
    """Write a phantom into ``folder``, whole or not at all.

    Nothing is done if it holds this very phantom already.

    Raises
    ------
    DataError
        If the folder holds other files, or a phantom of another configuration.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        _check_record(folder, config)
        return
    # Opening a phantom that is there should not wait for what makes one.
    from past_core.datasets.phantom.scan import scan  # noqa: PLC0415

    log.info("making the phantom in %s", folder)
    with _whole_or_nothing(folder) as partial:
        for part, number, sequence in _plan(config):
            image, label = scan(config, number, sequence)
            contrast = "ceT1" if part == SOURCE else "hrT2"
            save_volume(image, partial / part / f"crossmoda_{number}_{contrast}.nii.gz")
            beside = ORACLE if part == TARGET else part
            save_volume(label, partial / beside / f"crossmoda_{number}_Label.nii.gz")
        names = {str(config.matrix_of(name)): name for name in config.protocols}
        (partial / PROTOCOLS).write_text(json.dumps(names) + "\n", "utf-8")
        record = {"generation": GENERATION, "config": config.model_dump(mode="json")}
        (partial / RECORD).write_text(json.dumps(record, indent=1) + "\n", "utf-8")


def _plan(config: PhantomConfig) -> Iterator[tuple[str, int, str]]:
    """Folder, number and sequence of every case."""
    for part, count in (
        (SOURCE, config.source),
        (TARGET, config.target),
        (VALIDATION, config.test),
        (TUNING, config.validation),
    ):
        for n in range(count):
            protocol = config.protocols[n % len(config.protocols)]
            yield part, FIRST_NUMBER[part] + n, "ceT1" if part == SOURCE else protocol


def _check_record(folder: Path, config: PhantomConfig) -> None:
    path = folder / RECORD
    if not path.is_file():
        raise DataError(
            f"{folder}: the folder is not empty and holds no phantom. "
            "Name an empty or a new folder for it."
        )
    try:
        record = read_json(path, "Remove the folder to make it anew.")
        generation, found = record["generation"], PhantomConfig.model_validate(record["config"])
    except (DataError, ValueError, TypeError, KeyError, ValidationError) as error:
        raise DataError(
            f"{path}: not a phantom's record ({error}). Remove the folder to make it anew."
        ) from error
    remedy = "Name another folder, or remove this one to make the phantom anew."
    if generation != GENERATION:
        raise DataError(
            f"{folder}: holds a phantom of generation {generation}, this version makes "
            f"generation {GENERATION}. {remedy}"
        )
    differences = [
        f"{key} {old!r} there, {getattr(config, key)!r} asked for"
        for key, old in found
        if old != getattr(config, key)
    ]
    if differences:
        raise DataError(
            f"{folder}: holds a phantom of another configuration: "
            f"{'; '.join(differences)}. {remedy}"
        )


@contextmanager
def _whole_or_nothing(folder: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``folder``; rename it if the block succeeds.

    What a killed process left is removed: the temporary name tells whose it was.
    """
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f".*.partial.{folder.name}"):
        owner = re.match(r"\.(\d+)\.partial\.", left.name)
        if owner and not psutil.pid_exists(int(owner[1])):
            shutil.rmtree(left)
    partial = folder.with_name(f".{os.getpid()}.partial.{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        # An empty folder of that name is replaced.
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
