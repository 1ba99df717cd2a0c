"""Scans in plain folders: one of source scans, one of their labels, one of target scans.

::

    past-cli pipeline --source ceT1 --source-labels segmentations --target hrT2

Labels are paired with images by name (``past_core.datasets.pairing``). Folders are read as they
are, not what lies below them; hidden files and files of other types are passed over.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from past_core.case import Case, Domain
from past_core.config import PluginConfig
from past_core.dataset import Dataset
from past_core.datasets.channels import channel_problems, name_of_channel
from past_core.datasets.pairing import Pairing, pair
from past_core.datasets.parts import note, structures, told_apart
from past_core.errors import DataError
from past_core.interfaces.reader import DatasetReader
from past_core.naming import nifti_files
from past_core.problems import listing

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FoldersConfig", "FoldersReader"]


class FoldersConfig(PluginConfig):
    """Which folder holds what; paths are relative to the folder that is opened."""

    source: Path | None = None
    """Scans of the source contrast."""
    source_labels: Path | None = None
    """Their labels."""
    target: Path | None = None
    """Scans of the target contrast, to learn from."""
    target_labels: Path | None = None
    """Labels of some or all of them, which nothing but the oracle sees."""
    test: Path | None = None
    """Target scans to segment; without it, those of ``target``. The same folder may be both."""
    test_labels: Path | None = None
    """Labels of some or all of them, for scoring only."""
    validation: Path | None = None
    """Further target scans, to choose settings by."""
    validation_labels: Path | None = None
    """Their labels."""
    labels: str = ""
    """Structures and their values, ``vs=1,cochlea=2``; left empty, they are called after the
    values that source labels have: ``label1``, ``label2``."""


class FoldersReader(DatasetReader):
    """Opens plain folders.

    A case's id is its image's file name without suffix, and without the ``_0000`` of nnU-Net.
    Where two different scans have one name, in two folders, the later one's begins with its
    part: ``test-001``.
    """

    config: FoldersConfig

    def recognises(self, folder: Path) -> bool:  # noqa: ARG002
        """Never: folders are named one by one."""
        return False

    def open(self, folder: Path) -> Dataset:
        """List the folders and pair labels with images.

        Raises
        ------
        DataError
            If a folder is not named; or naming every missing or empty folder, every label
            without an image, and every source or validation image without a label.
        """
        config = self.config
        missing = [name for name in ("source", "source_labels", "target") if not _of(config, name)]
        if missing:
            options = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
            raise DataError(f"plain folders of scans: {options} is missing. Name the folder.")
        problems: list[str] = []
        if (folder / str(config.source)).resolve() == (folder / str(config.target)).resolve():
            problems.append(f"{config.source}: cannot be --source and --target. Name two folders.")
        parts = {
            part: _part(folder, config, part, problems)
            for part in ("source", "target", "test", "validation")
        }
        for part in ("source", "validation"):
            problems += [
                f"{case.image}: no label for this {part} scan in {_of(config, f'{part}_labels')}. "
                "Add it, or take the image out."
                for case in parts[part]
                if case.label is None
            ]
        if problems:
            raise listing("folders of scans", problems)
        parts = told_apart(parts)
        return Dataset(
            f"{_named(folder, config.source)}-to-{_named(folder, config.target)}",
            structures(config.labels, parts["source"]),
            parts["source"],
            parts["target"],
            parts["test"],
            parts["validation"],
            notes=tuple(note(part, cases) for part, cases in parts.items() if cases),
        )


def _of(config: FoldersConfig, name: str) -> Path | None:
    value: Path | None = getattr(config, name)
    return value


def _named(folder: Path, path: Path | None) -> str:
    assert path is not None
    return (folder / path).resolve().name


def _part(folder: Path, config: FoldersConfig, part: str, problems: list[str]) -> tuple[Case, ...]:
    """The scans of one part with their labels."""
    place, label_place = _of(config, part), _of(config, f"{part}_labels")
    if place is None:
        if label_place is not None:
            option = part.replace("_", "-")
            problems.append(f"{label_place}: labels without scans. Name their folder (--{option}).")
        return ()
    images = _files(folder / place, problems)
    problems += channel_problems(images)
    labels = [] if label_place is None else _files(folder / label_place, problems)
    pairing = pair(images, labels)
    problems += [
        _unclear(label, fitting, pairing, images) for label, fitting in pairing.unclear.items()
    ]
    domain = Domain.SOURCE if part == "source" else Domain.TARGET
    return tuple(
        Case(name_of_channel(image), domain, image, pairing.labels.get(image)) for image in images
    )


def _files(folder: Path, problems: list[str]) -> list[Path]:
    if not folder.is_dir():
        problems.append(f"{folder}: no such folder. Correct the path.")
        return []
    files = nifti_files(folder)
    if not files:
        problems.append(
            f"{folder}: no .nii or .nii.gz file is in it. Name the folder that holds the files "
            "themselves, converted to NIfTI."
        )
    return files


def _unclear(label: Path, fitting: Sequence[Path], pairing: Pairing, images: Sequence[Path]) -> str:
    if not fitting:
        names = ", ".join(image.name for image in images[:2])
        return (
            f"{label}: a label without an image. Name it as its image (images are {names}, ...; a "
            "name's words lie between spaces, '_', '-' and '.'), or remove it."
        )
    names = ", ".join(image.name for image in fitting[:3])
    if len(fitting) > 1:
        return f"{label}: could be the label of {names}. Name it as its image."
    return (
        f"{label}: {names} has a label already, {pairing.labels[fitting[0]].name}. "
        "Name labels as their images, or remove one."
    )
