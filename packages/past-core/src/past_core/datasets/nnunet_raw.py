r"""Two data sets in nnU-Net's raw format, side by side.

::

    nnUNet_raw/
      Dataset001_ceT1/  dataset.json  imagesTr/CASE_0000.nii.gz  labelsTr/CASE.nii.gz
      Dataset002_hrT2/  dataset.json  imagesTr/CASE_0000.nii.gz
                        imagesTs/CASE_0000.nii.gz  labelsTs/CASE.nii.gz

    past-cli pipeline --data nnUNet_raw \
      --set dataset.source=Dataset001_ceT1 --set dataset.target=Dataset002_hrT2

The settings may be left out where there are just two data sets, one of them without labels.
``imagesTs`` are segmented, and scored by ``labelsTs`` where it is there. Labels of the target's
``imagesTr`` serve the oracle alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from past_core.config import PluginConfig
from past_core.datasets.channels import channel_problems, name_of_channel
from past_core.datasets.choice import folders_named, source_and_target
from past_core.datasets.declared import read_declared
from past_core.datasets.halves import Half, Scan, joined
from past_core.interfaces.reader import DatasetReader
from past_core.naming import SUFFIXES, nifti_files, stem
from past_core.problems import listing

if TYPE_CHECKING:
    from pathlib import Path

    from past_core.dataset import Dataset

__all__ = ["NnunetRawConfig", "NnunetRawReader"]

_FOLDER = re.compile(r"Dataset\d{3}_.+")
IMAGES, LABELS, TEST_IMAGES, TEST_LABELS = "imagesTr", "labelsTr", "imagesTs", "labelsTs"


class NnunetRawConfig(PluginConfig):
    """Which data set is which."""

    source: str = ""
    """Name of the source's folder, as in Dataset001_ceT1."""
    target: str = ""
    """Name of the target's."""
    labels: str = ""
    """Structures and their values, ``vs=1,cochlea=2``; left empty, as dataset.json has them."""


class NnunetRawReader(DatasetReader):
    """Opens a folder of nnU-Net's raw data sets; a case's id is nnU-Net's."""

    config: NnunetRawConfig

    def recognises(self, folder: Path) -> bool:
        """Whether two or more raw data sets are there."""
        return len(_datasets(folder)) > 1

    def open(self, folder: Path) -> Dataset:
        """List training and test scans of both.

        Raises
        ------
        DataError
            If it is not clear which data set is which; or naming all that is missing in them,
            and scans of several channels.
        """
        config = self.config
        found = {path.name: bool(_files(path / LABELS)) for path in _datasets(folder)}
        names = source_and_target(found, config.source, config.target, str(folder), "data set")
        problems: list[str] = []
        source, target = (_half(folder / name, bool(config.labels), problems) for name in names)
        if problems:
            raise listing(str(folder), problems)
        name = "-to-".join(part.split("_", 1)[1] for part in names)
        return joined(name, source, target, config.labels, name_of_channel)


def _datasets(folder: Path) -> list[Path]:
    return folders_named(folder, _FOLDER, IMAGES)


def _files(folder: Path) -> list[Path]:
    return nifti_files(folder) if folder.is_dir() else []


def _half(folder: Path, named: bool, problems: list[str]) -> Half:
    declared = read_declared(folder / "dataset.json", labels=not named)
    ending = declared.content.get("file_ending", SUFFIXES[0])
    if ending not in SUFFIXES:
        problems.append(
            f"{declared.path}: files of type {ending}; PAST reads .nii and .nii.gz. Convert them "
            "to NIfTI."
        )
    training = _scans(folder / IMAGES, folder / LABELS, problems)
    test = _scans(folder / TEST_IMAGES, folder / TEST_LABELS, problems)
    return Half(folder, declared.labels, training, test=test)


def _scans(images: Path, labels: Path, problems: list[str]) -> list[Scan]:
    found = _files(images)
    problems += channel_problems(found)
    known = {stem(path.name): path for path in _files(labels)}
    scans: list[Scan] = [(image, known.pop(name_of_channel(image), None)) for image in found]
    problems += [
        f"{path}: a label without an image; expected {images / stem(path.name)}_0000.nii.gz. Add "
        "the image, or remove the label."
        for path in known.values()
    ]
    return scans
