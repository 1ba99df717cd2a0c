"""Pictures of a run: translations beside their sources, pseudo-labels, segmentations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from past_cli.drawing import (
    ROWS,
    busiest,
    draw_contours,
    grid,
    picture_name,
    save_figure,
    show_slice,
)
from past_cli.pseudo_label_panels import draw_pseudo_labels
from past_core.pipeline.opened import Run, Segmented
from past_core.pipeline.translations import Translations
from past_core.volume import load_volume

__all__ = ["draw_panels"]


def draw_panels(run: Run) -> list[Path]:
    """Draw translations, pseudo-labels and segmentations into the run's ``panels``.

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
        drawn.append(_translation(one, panels / picture_name(name)))
    drawn += draw_pseudo_labels(run, panels)
    segmented = [one for one in run.segmented() if one.predictions]
    if segmented and all(path.is_file() for one in segmented for path in one.predictions.values()):
        drawn.append(_segmentation(segmented[:ROWS], run, panels / "segmentation.png"))
    return drawn


def _translation(one: Translations, path: Path) -> Path:
    rows = list(zip(one.scans, one.target, strict=False))[:ROWS]
    figure, axes = grid(len(rows), 4)
    for row, ((source_id, source, translated, carried), (target_id, target)) in zip(
        axes, rows, strict=True
    ):
        before, after, real = (load_volume(file) for file in (source, translated, target))
        label = load_volume(carried, np.uint8)
        position = busiest(label)
        same_height = position * real.shape[real.slice_axis] // before.shape[before.slice_axis]
        for ax, volume, at in zip(
            row,
            (before, after, after, real),
            (position, position, position, same_height),
            strict=True,
        ):
            show_slice(ax, volume, at)
        draw_contours(row[2], label, position)
        row[0].set_ylabel(source_id)
        row[3].set_ylabel(target_id)
    titles = ("source", "translated", "translated, source label", "a target scan")
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title)
    return save_figure(figure, path)


def _segmentation(cases: Sequence[Segmented], run: Run, path: Path) -> Path:
    systems = run.systems
    figure, axes = grid(len(cases), len(systems))
    for row, case in zip(axes, cases, strict=True):
        image = load_volume(case.image)
        predictions = [
            run.roi.crop(load_volume(case.predictions[system], np.uint8)) for system in systems
        ]
        reference = None
        if case.reference is not None:
            reference = run.roi.crop(load_volume(case.reference, np.uint8))
        position = busiest(predictions[-1] if reference is None else reference)
        for ax, prediction in zip(row, predictions, strict=True):
            show_slice(ax, image, position)
            if reference is not None:
                draw_contours(ax, reference, position, style="dotted")
            draw_contours(ax, prediction, position)
        row[0].set_ylabel(case.case)
    for ax, system in zip(axes[0], systems, strict=True):
        ax.set_title(system)
    if any(case.reference is not None for case in cases):
        figure.suptitle("prediction solid, reference dotted")
    return save_figure(figure, path)
