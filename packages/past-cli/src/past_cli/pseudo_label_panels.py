"""Pictures of self-training: what of target scans each round took for labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from past_cli.drawing import (
    COLOURS,
    ROWS,
    busiest,
    grid,
    picture_name,
    save_figure,
    show_slice,
    slice_of,
)
from past_core.case import Domain
from past_core.pipeline import Run, Selection, selections_of
from past_core.pipeline.layout import STAGES, image_path, label_path
from past_core.volume import Volume, load_volume

__all__ = ["draw_pseudo_labels"]

MODELS = 6
"""Of so many models at most."""
KEPT = 0.55
"""Opacity of structures."""
IGNORED = (0.15, 0.2, 0.6, 0.5)
"""Colour of what is not learnt from."""


def draw_pseudo_labels(run: Run, panels: Path) -> list[Path]:
    """Draw target scans with the pseudo-labels of every round, a picture a model."""
    rounds: dict[str, list[Selection]] = {}
    for one in selections_of(run):
        if one.domain == Domain.TARGET:
            rounds.setdefault(one.model, []).append(one)
    scans = run.folder / STAGES / run.record.get("scans", {}).get("target", "")
    drawn = []
    for model, selections in list(rounds.items())[:MODELS]:
        cases = [
            case
            for case in selections[0].cases
            if all(case in one.cases for one in selections) and image_path(scans, case).is_file()
        ]
        if cases:
            drawn.append(
                _draw(
                    selections, scans, cases[:ROWS], panels / picture_name(f"pseudo-labels-{model}")
                )
            )
    return drawn


def _draw(selections: Sequence[Selection], scans: Path, cases: Sequence[str], path: Path) -> Path:
    ignore = len(selections[0].predicted)
    figure, axes = grid(len(cases), 1 + len(selections))
    for row, case in zip(axes, cases, strict=True):
        image = load_volume(image_path(scans, case))
        labels = [load_volume(label_path(one.folder, case), np.uint8) for one in selections]
        structures = np.where(labels[0].data == ignore, 0, labels[0].data)
        position = busiest(Volume(structures, labels[0].affine))
        for ax in row:
            show_slice(ax, image, position)
        for ax, label in zip(row[1:], labels, strict=True):
            _overlay(ax, label, position, ignore)
        row[0].set_ylabel(case)
    titles = ["a target scan", *(f"labels of round {one.round}" for one in selections)]
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title)
    figure.suptitle("coloured: learnt as a structure; clear: as background; blue: not learnt from")
    return save_figure(figure, path)


def _overlay(ax: Axes, label: Volume, position: int, ignore: int) -> None:
    plane, aspect = slice_of(label, position)
    shades: npt.NDArray[np.float64] = np.zeros((*plane.shape, 4))
    for value in range(1, ignore):
        shades[plane == value] = to_rgba(COLOURS[(value - 1) % len(COLOURS)], KEPT)
    shades[plane == ignore] = IGNORED
    ax.imshow(shades, origin="lower", aspect=aspect, interpolation="nearest")
