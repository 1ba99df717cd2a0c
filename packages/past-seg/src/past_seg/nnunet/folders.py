"""nnU-Net's three folders, its environment variables, and the raw data set it reads."""

from __future__ import annotations

import os
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from past_core.errors import DataError
from past_core.files import write_json
from past_core.volume import Volume, save_volume

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from past_core.case import Case
    from past_core.labels import Labels

__all__ = ["Folders", "as_read", "dataset_json", "environment", "write_raw"]

DATASET = "Dataset001_PAST"
"""nnU-Net finds data sets by such a name; every fit has folders of its own."""

Json = dict[str, Any]

_one_at_a_time = threading.RLock()


@dataclass(frozen=True)
class Folders:
    """Where nnU-Net keeps things below one root."""

    root: Path

    @property
    def raw(self) -> Path:
        """Images, labels and ``dataset.json``."""
        return self.root / "raw" / DATASET

    @property
    def preprocessed(self) -> Path:
        """Fingerprint, plans, and in a folder that the plans name the resampled cases."""
        return self.root / "preprocessed" / DATASET


@contextmanager
def environment(root: Path, loaders: int) -> Iterator[Folders]:
    """Point nnU-Net at folders below ``root``; restore all variables afterwards.

    nnU-Net reads them when it needs them, so two fits can follow each other in one
    program. They hold for the whole process: a second thread waits.

    Parameters
    ----------
    root
        Folder of one fit.
    loaders
        Processes that load and augment. With 0 this process does it, in an order that a
        seed decides; nnU-Net's planner, which sets torch's threads by it, needs 1.
    """
    settings = {
        "nnUNet_raw": str(root / "raw"),
        "nnUNet_preprocessed": str(root / "preprocessed"),
        "nnUNet_results": str(root / "results"),
        "nnUNet_n_proc_DA": str(loaders),
        "nnUNet_compile": "false",
        "nnUNet_wandb_enabled": "0",
    }
    with _one_at_a_time:
        before = {name: os.environ.get(name) for name in settings}
        os.environ.update(settings)
        try:
            yield Folders(root)
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def write_raw(folders: Folders, cases: Sequence[Case], labels: Labels) -> Json:
    """Write the cases as nnU-Net's raw data set, in canonical (RAS+) orientation.

    Returns
    -------
    dict
        The content of ``dataset.json``. It declares nnU-Net's *ignore* label exactly
        when a label file holds ``labels.ignore``.

    Raises
    ------
    DataError
        If a case cannot be trained on; the message names the file.
    """
    names = Counter(case.id for case in cases)
    if twice := [name for name, count in names.items() if count > 1]:
        raise DataError(f"cases {twice} are given more than once; every case needs its own name.")
    found: set[int] = set()
    for case in cases:
        image, label = case.load_image().canonical(), _load_label(case)
        found |= _check_case(case, image, label, labels)
        save_volume(image, folders.raw / "imagesTr" / f"{case.id}_0000.nii")
        save_volume(
            Volume(label.data.astype(np.uint8), image.affine),
            folders.raw / "labelsTr" / f"{case.id}.nii",
        )
    if not found & set(range(1, labels.count)):
        raise DataError(
            f"none of the {len(cases)} label files holds any of {list(labels.structures)}: "
            "there is nothing to learn. Check the labels, or keep more pseudo-labels."
        )
    dataset = dataset_json(cases, labels, with_ignore=labels.ignore in found)
    write_json(folders.raw / "dataset.json", dataset)
    return dataset


def as_read(volume: Volume) -> tuple[npt.NDArray[np.float32], Json]:
    """A canonical image as nnU-Net's readers give it: ``(1, z, y, x)`` and its properties.

    Whatever the volume's order in memory, the last axis is the fastest, as in a file: means over
    another order are rounded otherwise, and bfloat16 makes voxels of that.
    """
    array = np.ascontiguousarray(volume.data.transpose(2, 1, 0)[None], np.float32)
    return array, {"spacing": list(volume.spacing[::-1])}


def dataset_json(cases: Sequence[Case], labels: Labels, with_ignore: bool) -> Json:
    """Describe the raw data set to nnU-Net.

    The explicit list of files spares nnU-Net a search that starts a dozen processes.
    """
    mapping = labels.as_mapping()
    return {
        "channel_names": {"0": "MRI"},
        "labels": mapping | ({"ignore": labels.ignore} if with_ignore else {}),
        "numTraining": len(cases),
        "file_ending": ".nii",
        "overwrite_image_reader_writer": "NibabelIO",
        "dataset": {
            case.id: {
                "images": [f"imagesTr/{case.id}_0000.nii"],
                "label": f"labelsTr/{case.id}.nii",
            }
            for case in cases
        },
    }


def _load_label(case: Case) -> Volume:
    if case.label is None:
        raise DataError(f"{case.image}: case {case.id} has no label, so it cannot train.")
    return case.load_label().canonical()


def _check_case(case: Case, image: Volume, label: Volume, labels: Labels) -> set[int]:
    """Return the label values of a case, or say why it is unusable."""
    if label.shape != image.shape:
        raise DataError(
            f"{case.label}: the label has shape {label.shape}, its image {case.image} "
            f"{image.shape}. Resample the label onto the image."
        )
    if not np.isfinite(image.data).all():
        raise DataError(f"{case.image}: holds NaN or infinite voxels. Replace them.")
    if not image.data.any():
        raise DataError(f"{case.image}: every voxel is 0. Drop the case or export it anew.")
    if min(image.shape) < 2:
        raise DataError(f"{case.image}: shape {image.shape} is no volume; 3D data is needed.")
    values = {int(value) for value in np.unique(label.data)}
    if unknown := values - set(range(labels.ignore + 1)):
        raise DataError(
            f"{case.label}: label values {sorted(unknown)} are neither of "
            f"{labels.as_mapping()} nor the ignore value {labels.ignore}."
        )
    return values
