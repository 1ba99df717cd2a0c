"""Charts of the report, as SVG."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from past_cli.drawing import COLOURS
from past_cli.report.pictures import Picture, as_url
from past_cli.tables import column_name
from past_core.scoring import TEST

if TYPE_CHECKING:
    from past_core.pipeline import Run
    from past_core.scoring import Score

__all__ = ["costs", "curves", "score_boxes"]

STYLE: Any = {
    "svg.fonttype": "none",  # text stays text, in the page's own font
    "svg.hashsalt": "past",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
POINTS = 400
"""Of a curve; more cannot be seen."""
SLOWEST = 30
"""Stages in the chart of costs."""


def _chart(said: str, figure: Figure) -> Picture:
    """A drawing of lines and text; a picture of its own, for ids of several would clash."""
    with mpl.rc_context(STYLE), io.BytesIO() as file:
        figure.savefig(file, format="svg", metadata={"Date": None})
        return Picture(said, as_url(file.getvalue(), "svg+xml"))


def score_boxes(run: Run, scores: Sequence[Score], metric: str) -> Picture | None:
    """A box a system and structure over test scans, with every scan as a point."""
    values: dict[str, dict[str, list[float]]] = {}
    for score in scores:
        if (score.metric, score.part) == (metric, TEST) and math.isfinite(score.value):
            values.setdefault(score.structure, {}).setdefault(score.system, []).append(score.value)
    if not values:
        return None
    systems = run.systems
    figure = _figure(0.35 * len(systems) + 1.2, len(values))
    scatter = np.random.default_rng(0)
    for number, (ax, (structure, found)) in enumerate(
        zip(_axes(figure), values.items(), strict=True)
    ):
        colour = COLOURS[number % len(COLOURS)]
        rows = [found.get(system, []) for system in systems]
        ax.boxplot(rows, orientation="horizontal", showfliers=False, widths=0.6)
        for place, row in enumerate(rows, start=1):
            heights = place + scatter.uniform(-0.18, 0.18, len(row))
            ax.scatter(row, heights, s=9, color=colour, alpha=0.75, linewidths=0)
        ax.set_yticks(range(1, len(systems) + 1), systems if number == 0 else [""] * len(systems))
        ax.invert_yaxis()
        ax.set_title(structure)
        ax.set_xlabel(column_name(metric))
        if metric == "dice":
            ax.set_xlim(-0.02, 1.02)
    return _chart(f"{column_name(metric)} of every test scan, by system and structure", figure)


def curves(run: Run) -> Iterator[Picture]:
    """Losses of every training by iteration."""
    for stage, rows in run.curves():
        if not rows:
            continue
        steps = rows[:: max(1, len(rows) // POINTS)]
        across, *losses = list(rows[0])
        figure = _figure(2.2, 1, width=6.0, names=0.6)
        (ax,) = _axes(figure)
        for name in losses:
            points = [(row[across], row[name]) for row in steps if name in row]
            ax.plot(*zip(*points, strict=True), label=name, linewidth=1)
        ax.set_xlabel(across)
        ax.legend(fontsize=7, ncols=2, frameon=False)
        ax.set_title(stage)
        yield _chart(f"losses of {stage}", figure)


def costs(run: Run) -> Picture | None:
    """Seconds and peak memory of each stage, the slowest first."""
    stages = sorted(run.stages(), key=lambda one: -one.seconds)[:SLOWEST]
    if not stages:
        return None
    figure = _figure(0.22 * len(stages) + 0.8, 2)
    names = [one.name for one in stages]
    parts: Sequence[tuple[str, Callable[..., float]]] = (
        ("minutes", lambda one: one.seconds / 60),
        ("peak MiB", lambda one: one.peak_mib),
    )
    for number, (ax, (heading, value)) in enumerate(zip(_axes(figure), parts, strict=True)):
        ax.barh(range(len(stages)), [value(one) for one in stages], color=COLOURS[1])
        ax.set_yticks(range(len(stages)), names if number == 0 else [""] * len(names))
        ax.invert_yaxis()
        ax.set_xlabel(heading)
    return _chart("time and memory of the stages", figure)


def _figure(height: float, columns: int, width: float = 9.0, names: float = 1.8) -> Figure:
    """A row of axes, with so many inches at the left for the names of rows.

    Margins are set, not laid out by matplotlib: that takes longer than everything else.
    """
    figure = Figure(figsize=(width, height))
    with mpl.rc_context(STYLE):
        figure.subplots(1, columns, squeeze=False)
    figure.subplots_adjust(
        left=names / width,
        right=1 - 0.1 / width,
        bottom=0.5 / height,
        top=1 - 0.3 / height,
        wspace=0.08,
    )
    return figure


def _axes(figure: Figure) -> list[mpl.axes.Axes]:
    return list(figure.axes)
