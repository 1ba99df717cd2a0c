"""2D slices of 3D scans as memory-mapped files, which any number of processes can share."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from past_core.errors import DataError
from past_core.files import atomic_path
from past_core.volume import load_volume
from past_gan.data.slices import enlarge, slices_of, to_network_range

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from past_core.case import Case
    from past_core.labels import Labels
    from past_core.volume import Volume

__all__ = ["Stack", "cached_scans", "fill_cache", "open_cache"]

DARK = 0.05
"""Pixels below this part of the range count as empty ..."""
LEAST_BRIGHT = 0.02
"""... and slices with a smaller portion of others are left out of training."""


@dataclass(frozen=True)
class Stack:
    """The slices of one scan, in their order."""

    images: npt.NDArray[np.float32]
    """``(slices, height, width)`` in [-1, 1]."""
    labels: npt.NDArray[np.uint8] | None
    """The same shape: 0 is background, structures count from 1. None without labels."""
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Millimetres across the slices, and along both axes of their plane."""

    @property
    def shows_structures(self) -> bool:
        """Whether any pixel is labelled as one."""
        return self.labels is not None and bool(self.labels.any())

    def with_content(self) -> list[int]:
        """Positions of the slices that are not almost empty."""
        bright = (self.images > 2 * DARK - 1).mean((1, 2)) >= LEAST_BRIGHT
        return [int(position) for position in bright.nonzero()[0]]


def fill_cache(
    folder: Path,
    cases: Sequence[Case],
    axis: int,
    upsample: float,
    labels: Labels | None = None,
) -> None:
    """Write the cases' slices across ``axis``, enlarged by ``upsample``, into a new ``folder``.

    Parameters
    ----------
    labels
        The structures of the label files; other values become background. None: labels are
        not read.

    Raises
    ------
    DataError
        If an image is not in [0, 255], lies on another grid than its label, or if no
        slice of any case has content.
    """
    shutil.rmtree(folder, ignore_errors=True)
    filled = False
    for number, case in enumerate(cases):
        volume = case.load_image()
        _require_range(volume, case)
        stack = torch.from_numpy(np.ascontiguousarray(slices_of(volume, axis)))[:, None]
        images = enlarge(to_network_range(stack), upsample)[:, 0].numpy()
        _write(folder / f"{number}_spacing.npy", _spacing(volume, axis, images.shape))
        _write(folder / f"{number}_image.npy", images)
        filled = filled or bool(Stack(images, None).with_content())
        if labels is not None and case.label is not None:
            marks = _marks(case, volume, axis, labels, images.shape)
            _write(folder / f"{number}_label.npy", marks)
    if not filled:
        names = ", ".join(str(case.image) for case in cases[:3])
        raise DataError(
            f"{names}{', ...' if len(cases) > 3 else ''}: every slice along axis {axis} is "
            "almost empty. Check the region of interest and the intensities."
        )


def cached_scans(folder: Path, *, labelled: bool = False) -> list[int]:
    """Numbers of the scans in a cache, or of those with labels."""
    kind = "label" if labelled else "image"
    return sorted(int(path.stem.partition("_")[0]) for path in folder.glob(f"*_{kind}.npy"))


def open_cache(folder: Path, numbers: Iterable[int] | None = None) -> list[Stack]:
    """Map scans that ``fill_cache`` wrote, or all; pixels are read when they are used.

    Each mapped file stays open.
    """
    stacks = []
    for number in cached_scans(folder) if numbers is None else numbers:
        label = folder / f"{number}_label.npy"
        stacks.append(
            Stack(
                np.load(folder / f"{number}_image.npy", mmap_mode="r"),
                np.load(label, mmap_mode="r") if label.exists() else None,
                tuple(np.load(folder / f"{number}_spacing.npy").tolist()),
            )
        )
    return stacks


def _spacing(volume: Volume, axis: int, shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Of the enlarged slices, the axis across them first."""
    first, *others = np.moveaxis(np.array([volume.spacing, volume.shape]), 1, 0)[
        [axis, *(n for n in range(3) if n != axis)]
    ]
    plane = [step * side / now for (step, side), now in zip(others, shape[1:], strict=True)]
    return np.array([first[0], *plane])


def _require_range(volume: Volume, case: Case) -> None:
    low, high = volume.data.min(), volume.data.max()
    if not (np.isfinite(volume.data).all() and -1 < low <= high < 256):
        raise DataError(
            f"{case.image}: a translator needs values in [0, 255], found {low} to {high}. "
            "Rescale the region first."
        )


def _marks(
    case: Case, volume: Volume, axis: int, labels: Labels, shape: tuple[int, ...]
) -> npt.NDArray[np.uint8]:
    """The label's slices at the size of the enlarged images, structures alone."""
    assert case.label is not None
    label = load_volume(case.label, np.uint8)
    if label.shape != volume.shape:
        raise DataError(
            f"{case.label}: shape {label.shape}, but its image has {volume.shape}. "
            "They must lie on one grid."
        )
    stack = np.moveaxis(label.data, axis, 0)
    rows, columns = (
        (np.arange(side) + 0.5) * old // side
        for side, old in zip(shape[1:], stack.shape[1:], strict=True)
    )
    stack = stack[:, rows.astype(int)][:, :, columns.astype(int)]
    return np.where(stack < labels.count, stack, np.uint8(0))


def _write(path: Path, array: npt.NDArray[np.generic]) -> None:
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, array)
