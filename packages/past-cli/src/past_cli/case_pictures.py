"""Pictures of a data set's cases: slices along all three axes, with their labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from past_cli.drawing import PLANES, centre_of, draw_contours, save_figure, slice_of
from past_core.case import Case
from past_core.dataset import Dataset
from past_core.errors import DataError
from past_core.volume import load_volume

__all__ = ["draw_cases"]


def draw_cases(dataset: Dataset, folder: Path) -> list[Path]:
    """Draw every case into ``folder/PART``, named after it; what cannot be read is left out.

    Slices go through the middle of the labelled voxels, or of the scan.
    """
    drawn: list[Path] = []
    seen: set[Path] = set()
    for part, cases in dataset.parts().items():
        for case in cases:
            if case.image in seen and case.label is None:
                continue  # of the target, and to be segmented as well
            seen.add(case.image)
            try:
                figure = _draw(case)
            except DataError:
                continue  # the check has said so
            (folder / part).mkdir(parents=True, exist_ok=True)
            drawn.append(save_figure(figure, folder / part / f"{case.id}.png"))
    return drawn


def _draw(case: Case) -> Figure:
    image = case.load_image().canonical()
    label = None
    if case.label is not None:
        found = load_volume(case.label, np.float32).canonical()
        label = found if found.shape == image.shape else None
    centre = [n // 2 for n in image.shape] if label is None else centre_of(label)
    low, high = np.nanpercentile(image.data, (0.5, 99.5))
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots(1, 3)
    for axis, (ax, name) in enumerate(zip(axes, PLANES, strict=True)):
        plane, aspect = slice_of(image, centre[axis], axis)
        ax.imshow(plane, cmap="gray", origin="lower", aspect=aspect, vmin=low, vmax=high)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.set_title(f"{name} {centre[axis]}")
        if label is not None:
            draw_contours(ax, label, centre[axis], axis)
    figure.suptitle(case.image.name)
    return figure
