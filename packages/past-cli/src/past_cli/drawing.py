"""Slices of volumes in a grid, with outlines of structures: what all pictures are made of."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from past_core.files import atomic_path
from past_core.volume import Volume

__all__ = [
    "COLOURS",
    "PLANES",
    "ROWS",
    "busiest",
    "centre_of",
    "draw_contours",
    "grid",
    "picture_name",
    "save_figure",
    "show_slice",
    "slice_of",
]

ROWS = 4
"""Cases in a picture."""
INCH = 2.4
"""Height of a row."""
COLOURS = ("#ff4d4d", "#33d6ff", "#ffd633", "#66e066", "#d68cff", "#ff944d")
"""One a structure; repeated if there are more structures."""
PLANES = ("sagittal", "coronal", "transverse")
"""Across the canonical axes, in their order."""

Plane = npt.NDArray[np.float32]


def grid(rows: int, columns: int) -> tuple[Figure, npt.NDArray[np.object_]]:
    """A picture of so many slices."""
    figure = Figure(figsize=(INCH * 1.5 * columns, INCH * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def busiest(label: Volume) -> int:
    """The slice with the most structures, and of those the most labelled voxels.

    Where nothing is labelled, the middle one.
    """
    slices = np.moveaxis(label.data, label.slice_axis, 0)
    middle = len(slices) // 2
    return max(
        range(len(slices)),
        key=lambda n: (len(np.unique(slices[n])), int((slices[n] > 0).sum()), -abs(n - middle)),
    )


def centre_of(label: Volume) -> list[int]:
    """The middle of the labelled voxels along each axis, or of the volume if none is."""
    if not (label.data > 0).any():
        return [n // 2 for n in label.shape]
    return [int(np.median(where)) for where in np.nonzero(label.data > 0)]


def slice_of(volume: Volume, position: int, axis: int | None = None) -> tuple[Plane, float]:
    """One slice with rows upwards (anterior or superior up), and its pixels' height to width.

    By default it lies across the coarsest axis.
    """
    axis = volume.slice_axis if axis is None else axis
    across, up = [spacing for n, spacing in enumerate(volume.spacing) if n != axis]
    return np.take(volume.data, position, axis=axis).T.astype(np.float32), up / across


def show_slice(ax: Axes, volume: Volume, position: int) -> None:
    """Draw a slice of an image whose intensities run from 0 to 255."""
    plane, aspect = slice_of(volume, position)
    ax.imshow(plane, cmap="gray", origin="lower", aspect=aspect, vmin=0, vmax=255)
    ax.set_xticks([])
    ax.set_yticks([])


def draw_contours(
    ax: Axes, label: Volume, position: int, axis: int | None = None, style: str = "solid"
) -> None:
    """Draw the outline of each structure in a slice, in its own colour."""
    plane, _ = slice_of(label, position, axis)
    for value in range(1, int(label.data.max()) + 1):
        if (plane == value).any():
            colour = COLOURS[(value - 1) % len(COLOURS)]
            mask = (plane == value).astype(np.float32)
            ax.contour(mask, levels=[0.5], colors=[colour], linestyles=style, linewidths=1)


def picture_name(name: str) -> str:
    """A picture's file name, of letters that any file system takes."""
    return f"{re.sub(r'[^A-Za-z0-9_.@+-]', '_', name)}.png"


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a picture, and say where."""
    with mpl.rc_context({"savefig.dpi": 100}), atomic_path(path) as temporary:
        figure.savefig(temporary)
    return path
