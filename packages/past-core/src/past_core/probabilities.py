"""Class probabilities on disk: half precision for programs, or 8 bits that every viewer opens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import nibabel as nib
import numpy as np

from past_core.files import atomic_path
from past_core.naming import stem
from past_core.volume import Volume

__all__ = [
    "PRECISIONS",
    "Precision",
    "probability_name",
    "save_probabilities",
    "without_probabilities",
]

Precision = Literal["half", "8bit"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
_ENDINGS: dict[str, str] = {"half": ".npz", "8bit": ".nii.gz"}


def probability_name(segmentation: str, precision: Precision) -> str:
    """Name of the file beside a segmentation's: ``P01.nii.gz`` to ``P01_probabilities.npz``."""
    return f"{stem(segmentation)}_probabilities{_ENDINGS[precision]}"


def without_probabilities(files: Sequence[Path]) -> list[Path]:
    """The files but for probabilities that lie beside the segmentation they are of."""
    beside = {
        path.with_name(probability_name(path.name, precision))
        for path in files
        for precision in PRECISIONS
    }
    return [path for path in files if path not in beside]


def save_probabilities(probabilities: Volume, path: Path, precision: Precision) -> None:
    """Write a stack ``(c, i, j, k)`` compressed, whole or not at all.

    Parameters
    ----------
    probabilities
        In [0, 1], summing up to 1 over ``c``; channel 0 is background.
    path
        With the ending that ``probability_name`` gives.
    precision
        ``half``: ``.npz`` of ``probabilities`` ``(c, i, j, k)`` float16 and ``affine`` 4 x 4.
        ``8bit``: NIfTI ``(i, j, k, c)``, steps of 1/255.
    """
    with atomic_path(path) as temporary:
        if precision == "half":
            with temporary.open("wb") as file:
                np.savez_compressed(
                    file,
                    probabilities=probabilities.data.astype(np.float16),
                    affine=probabilities.affine,
                )
            return
        steps = np.rint(np.moveaxis(probabilities.data, 0, -1) * 255).astype(np.uint8)
        image = nib.Nifti1Image(steps, probabilities.affine)
        image.header.set_slope_inter(1 / 255, 0)
        image.header.set_xyzt_units("mm")
        nib.save(image, temporary)
