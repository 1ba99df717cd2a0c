"""Pictures of a run: translations beside their sources, predictions over references."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from past_core.dataset import Dataset
from past_core.pipeline import Settings
from past_core.pipeline.layout import STAGES, image_path, label_path, segment_stage
from past_core.volume import Volume, load_volume

__all__ = ["draw_panels"]

ROWS = 4
"""Cases in a picture."""
INCH = 2.4
"""Height of a row."""
COLOURS = ("#ff4d4d", "#33d6ff", "#ffd633", "#66e066", "#d68cff", "#ff944d")
"""One a structure; repeated if there are more structures."""

Plane = npt.NDArray[np.float32]


def draw_panels(settings: Settings, dataset: Dataset, folder: Path) -> list[Path]:
    """Draw ``translation.png`` and ``segmentation.png`` into ``folder/panels``.

    Each row shows the slice with most labelled voxels, across the coarsest axis.
    Returns the files written.
    """
    panels = folder / "panels"
    panels.mkdir(exist_ok=True)
    drawn = [_translation(dataset, folder / STAGES, panels / "translation.png")]
    if any(case.label for case in dataset.test):
        segmentation = panels / "segmentation.png"
        drawn.append(_segmentation(settings, dataset, folder / STAGES, segmentation))
    return drawn


def _translation(dataset: Dataset, stages: Path, path: Path) -> Path:
    cases = list(zip(dataset.source, dataset.target, strict=False))[:ROWS]
    figure, axes = _grid(len(cases), 4)
    for row, (source, target) in zip(axes, cases, strict=True):
        before = load_volume(image_path(stages / "crop", source))
        after = load_volume(image_path(stages / "translate", source))
        real = load_volume(image_path(stages / "crop", target))
        label = load_volume(label_path(stages / "crop", source), np.uint8)
        position = _busiest(label)
        same_height = position * real.shape[real.slice_axis] // before.shape[before.slice_axis]
        for ax, volume, at in zip(
            row,
            (before, after, after, real),
            (position, position, position, same_height),
            strict=True,
        ):
            _show(ax, volume, at)
        _contours(row[2], label, position, "solid")
        row[0].set_ylabel(source.id)
        row[3].set_ylabel(target.id)
    titles = ("source", "translated", "translated, source label", "a target scan")
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title)
    return _save(figure, path)


def _segmentation(settings: Settings, dataset: Dataset, stages: Path, path: Path) -> Path:
    cases = [case for case in dataset.test if case.label is not None][:ROWS]
    figure, axes = _grid(len(cases), len(settings.systems))
    region = settings.pipeline.roi
    roi = dataset.roi if region is None else region.as_roi()
    for row, case in zip(axes, cases, strict=True):
        image = load_volume(image_path(stages / "crop", case))
        reference = roi.crop(case.load_label())
        position = _busiest(reference)
        for ax, system in zip(row, settings.systems, strict=True):
            segmented = label_path(stages / segment_stage(system), case)
            prediction = roi.crop(load_volume(segmented, np.uint8))
            _show(ax, image, position)
            _contours(ax, reference, position, "dotted")
            _contours(ax, prediction, position, "solid")
        row[0].set_ylabel(case.id)
    for ax, system in zip(axes[0], settings.systems, strict=True):
        ax.set_title(system)
    figure.suptitle("prediction solid, reference dotted")
    return _save(figure, path)


def _grid(rows: int, columns: int) -> tuple[Figure, npt.NDArray[np.object_]]:
    figure = Figure(figsize=(INCH * 1.5 * columns, INCH * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def _busiest(label: Volume) -> int:
    """The slice with the most structures, and of those the most labelled voxels."""
    slices = np.moveaxis(label.data, label.slice_axis, 0)
    return max(
        range(len(slices)), key=lambda n: (len(np.unique(slices[n])), int((slices[n] > 0).sum()))
    )


def _plane(volume: Volume, position: int) -> tuple[Plane, float]:
    """One slice with rows upwards (anterior or superior up), and its pixels' height to width."""
    axis = volume.slice_axis
    across, up = [spacing for n, spacing in enumerate(volume.spacing) if n != axis]
    return np.take(volume.data, position, axis=axis).T.astype(np.float32), up / across


def _show(ax: Axes, volume: Volume, position: int) -> None:
    plane, aspect = _plane(volume, position)
    ax.imshow(plane, cmap="gray", origin="lower", aspect=aspect, vmin=0, vmax=255)
    ax.set_xticks([])
    ax.set_yticks([])


def _contours(ax: Axes, label: Volume, position: int, style: str) -> None:
    plane, _ = _plane(label, position)
    for value in range(1, int(label.data.max()) + 1):
        if (plane == value).any():
            colour = COLOURS[(value - 1) % len(COLOURS)]
            mask = (plane == value).astype(np.float32)
            ax.contour(mask, levels=[0.5], colors=[colour], linestyles=style, linewidths=1)


def _save(figure: Figure, path: Path) -> Path:
    with mpl.rc_context({"savefig.dpi": 100}):
        figure.savefig(path)
    return path
