"""Pictures of a run: translations beside their sources, predictions over references."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from past_core.pipeline.opened import Run, Segmented
from past_core.pipeline.translations import Translations
from past_core.volume import Volume, load_volume

__all__ = ["draw_contours", "draw_panels", "save_figure", "slice_of"]

ROWS = 4
"""Cases in a picture."""
INCH = 2.4
"""Height of a row."""
COLOURS = ("#ff4d4d", "#33d6ff", "#ffd633", "#66e066", "#d68cff", "#ff944d")
"""One a structure; repeated if there are more structures."""

Plane = npt.NDArray[np.float32]


def draw_panels(run: Run) -> list[Path]:
    """Draw a picture of each translation, and of the segmentations, into the run's ``panels``.

    Each row shows the slice with most labelled voxels, across the coarsest axis.
    Returns the files written.
    """
    panels = run.folder / "panels"
    panels.mkdir(exist_ok=True)
    for old in panels.glob("*.png"):
        old.unlink()
    translations = [one for one in run.translations() if one.scans]
    drawn = []
    for one in translations:
        name = "translation" if len(translations) == 1 else f"translation-{one.name}"
        drawn.append(_translation(one, panels / f"{re.sub(r'[^A-Za-z0-9_.@+-]', '_', name)}.png"))
    segmented = [one for one in run.segmented() if one.predictions]
    if segmented and all(path.is_file() for one in segmented for path in one.predictions.values()):
        drawn.append(_segmentation(segmented[:ROWS], run, panels / "segmentation.png"))
    return drawn


def _translation(one: Translations, path: Path) -> Path:
    rows = list(zip(one.scans, one.target, strict=False))[:ROWS]
    figure, axes = _grid(len(rows), 4)
    for row, ((source_id, source, translated, carried), (target_id, target)) in zip(
        axes, rows, strict=True
    ):
        before, after, real = (load_volume(file) for file in (source, translated, target))
        label = load_volume(carried, np.uint8)
        position = _busiest(label)
        same_height = position * real.shape[real.slice_axis] // before.shape[before.slice_axis]
        for ax, volume, at in zip(
            row,
            (before, after, after, real),
            (position, position, position, same_height),
            strict=True,
        ):
            _show(ax, volume, at)
        draw_contours(row[2], label, position)
        row[0].set_ylabel(source_id)
        row[3].set_ylabel(target_id)
    titles = ("source", "translated", "translated, source label", "a target scan")
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title)
    return save_figure(figure, path)


def _segmentation(cases: Sequence[Segmented], run: Run, path: Path) -> Path:
    systems = run.systems
    figure, axes = _grid(len(cases), len(systems))
    for row, case in zip(axes, cases, strict=True):
        image = load_volume(case.image)
        predictions = [
            run.roi.crop(load_volume(case.predictions[system], np.uint8)) for system in systems
        ]
        reference = None
        if case.reference is not None:
            reference = run.roi.crop(load_volume(case.reference, np.uint8))
        position = _busiest(predictions[-1] if reference is None else reference)
        for ax, prediction in zip(row, predictions, strict=True):
            _show(ax, image, position)
            if reference is not None:
                draw_contours(ax, reference, position, style="dotted")
            draw_contours(ax, prediction, position)
        row[0].set_ylabel(case.case)
    for ax, system in zip(axes[0], systems, strict=True):
        ax.set_title(system)
    if any(case.reference is not None for case in cases):
        figure.suptitle("prediction solid, reference dotted")
    return save_figure(figure, path)


def _grid(rows: int, columns: int) -> tuple[Figure, npt.NDArray[np.object_]]:
    figure = Figure(figsize=(INCH * 1.5 * columns, INCH * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def _busiest(label: Volume) -> int:
    """The slice with the most structures, and of those the most labelled voxels.

    Where nothing is labelled, the middle one.
    """
    slices = np.moveaxis(label.data, label.slice_axis, 0)
    middle = len(slices) // 2
    return max(
        range(len(slices)),
        key=lambda n: (len(np.unique(slices[n])), int((slices[n] > 0).sum()), -abs(n - middle)),
    )


def slice_of(volume: Volume, position: int, axis: int | None = None) -> tuple[Plane, float]:
    """One slice with rows upwards (anterior or superior up), and its pixels' height to width.

    By default it lies across the coarsest axis.
    """
    axis = volume.slice_axis if axis is None else axis
    across, up = [spacing for n, spacing in enumerate(volume.spacing) if n != axis]
    return np.take(volume.data, position, axis=axis).T.astype(np.float32), up / across


def _show(ax: Axes, volume: Volume, position: int) -> None:
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


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a picture, and say where."""
    with mpl.rc_context({"savefig.dpi": 100}):
        figure.savefig(path)
    return path
