"""Tables for the terminal: plugins, scores, stages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from past_core.plugins import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from past_core.challenge import Ranking
    from past_core.exported.prediction import Predicted
    from past_core.paired import Difference
    from past_core.pipeline import Cost, Run, StageReport
    from past_core.pipeline.graph import Graph
    from past_core.plugins import Registry
    from past_core.scoring import Summary

__all__ = [
    "column_name",
    "paired_table",
    "plan_table",
    "plugin_table",
    "prediction_table",
    "ranking_table",
    "score_table",
    "score_tables",
    "stage_table",
]

NAMES = {
    "assd": "ASSD mm",
    "dice": "Dice",
    "hd95": "HD95 mm",
    "lesion-f1": "lesion F1",
    "surface-dice": "surface Dice",
    "volume-error": "volume error ml",
}
MEAN = "mean"
"""``past_core.scoring.MEAN``, which would import numpy for a mere listing."""


def column_name(metric: str) -> str:
    """How a column names a metric: with its unit, where we know it."""
    return NAMES.get(metric, metric)


def plugin_table(registry: Registry) -> Table:
    """Every installed plugin with the distribution that provides it."""
    table = Table("kind", "name", "summary", "from", box=None)
    for kind in KINDS:
        found = registry.all(kind)
        names = [one.spec.name for one in found]
        for one in found:
            twice = " (twice: neither can be used)" if names.count(one.spec.name) > 1 else ""
            table.add_row(
                kind,
                Text.assemble((one.spec.name, "bold"), (twice, "red")),
                one.spec.summary,
                f"{one.distribution} {one.version}",
            )
    return table


def score_table(summaries: Iterable[Summary], part: str = "test") -> Table:
    """One row a system; for each metric and structure, mean ± standard deviation over cases.

    Dice also gets its mean over structures, as the field reports it.
    """
    rows = {(row.system, row.metric, row.structure): row for row in summaries}
    metrics = sorted({metric for _, metric, _ in rows}, key=lambda name: (name != "dice", name))
    structures = list(dict.fromkeys(structure for _, _, structure in rows if structure != MEAN))
    columns = [
        (metric, structure)
        for metric in metrics
        for structure in [*structures, *([MEAN] if metric == "dice" and structures[1:] else [])]
    ]
    title = f"mean ± standard deviation over {part} cases"
    table = Table(box=SIMPLE_HEAD, title=title, padding=(0, 1))
    table.add_column("system", no_wrap=True)
    for metric, structure in columns:
        name = column_name(metric)
        table.add_column(f"{name}\n{structure}", justify="right", no_wrap=True)
    for system in dict.fromkeys(system for system, _, _ in rows):
        cells = (rows.get((system, metric, structure)) for metric, structure in columns)
        table.add_row(system, *("" if row is None else _cell(row) for row in cells))
    return table


def score_tables(run: Run) -> list[Table]:
    """Scores of validation and of test scans, where a run has such."""
    parts = (("validation", run.summaries("validation")), ("test", run.summaries()))
    return [score_table(summaries, part) for part, summaries in parts if summaries]


def paired_table(differences: Iterable[Difference], against: str) -> Table:
    """One row a system: by structure how much it differs from another on the same cases.

    Each cell has the mean difference, its 95 % interval and p.
    """
    cells = {(one.system, one.structure): one for one in differences}
    structures = list(dict.fromkeys(structure for _, structure in cells))
    gaps = {one.system: one.gap for one in cells.values()}  # of the last structure: the mean
    metric = next((one.metric for one in cells.values()), "")
    table = Table(
        box=SIMPLE_HEAD,
        title=f"{column_name(metric)} against {against}, case by case",
        padding=(0, 1),
    )
    table.add_column("system", no_wrap=True)
    for structure in structures:
        table.add_column(structure, justify="right", no_wrap=True)
    with_gap = not all(map(math.isnan, gaps.values()))
    if with_gap:
        table.add_column("gap closed", justify="right", no_wrap=True)
    table.add_column("cases", justify="right")
    for system, gap in gaps.items():
        found = [cells.get((system, structure)) for structure in structures]
        count = max(one.n for one in found if one is not None)
        closed = ["" if math.isnan(gap) else f"{100 * gap:.0f} %"] if with_gap else []
        table.add_row(system, *(_paired_cell(one, count) for one in found), *closed, str(count))
    return table


def ranking_table(ranking: Ranking) -> Table:
    """One row a system, the best first: place, mean rank, and how both hold on other cases."""
    tau = "" if math.isnan(ranking.tau) else f"; Kendall's tau of redrawn cases {ranking.tau:.2f}"
    title = f"mean rank over {ranking.cases} cases{tau}"
    table = Table(box=SIMPLE_HEAD, title=title, padding=(0, 1))
    table.add_column("system", no_wrap=True)
    for heading in ("place", "95 %\nof places", "mean\nrank", "first"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in ranking.systems:
        places = str(one.best) if one.best == one.worst else f"{one.best} to {one.worst}"
        cells = (str(one.place), places, f"{one.score:.2f}", f"{one.first:.0%}")
        table.add_row(one.system, *cells)
    return table


def plan_table(
    graph: Graph, finished: Mapping[str, Mapping[str, Any]], costs: Mapping[str, Cost]
) -> Table:
    """The stages of a run in their order, what each reads, which are finished, what others cost.

    Parameters
    ----------
    finished
        Manifests of finished stages by name.
    costs
        Estimates of the others.
    """
    table = Table("stage", "reads", box=None)
    for heading in ("seconds", "MiB", ""):
        table.add_column(heading, justify="right")
    for stage in graph:
        done = finished.get(stage.name)
        reads = ", ".join(dict.fromkeys(needed.name for needed in stage.inputs.values()))
        if done is not None:
            cells = (f"{done['wall_seconds']:.0f}", f"{done['peak_memory_mib']:.0f}", "finished")
        else:
            cost = costs[stage.name]
            cells = (f"~{cost.seconds:.0f}", f"~{cost.mib:.0f}" if cost.mib else "", "")
        table.add_row(stage.name, reads, *cells)
    return table


def prediction_table(predicted: Iterable[Predicted]) -> Table:
    """One row a scan: whose models answered, how large structures are, what to look at."""
    rows = list(predicted)
    table = Table(box=SIMPLE_HEAD)
    table.add_column("segmentation", no_wrap=True)
    table.add_column("models of")
    structures = list(rows[0].millilitres or ())
    for structure in structures:
        table.add_column(f"{structure}\nml", justify="right", no_wrap=True)
    table.add_column("seconds", justify="right")
    table.add_column("look at")
    for one in rows:
        sizes = one.millilitres or {}
        table.add_row(
            one.name,
            one.protocol,
            *(f"{sizes[structure]:.2f}" for structure in structures),
            "kept" if one.kept else f"{one.seconds:.1f}",
            "; ".join(one.notes),
        )
    return table


def stage_table(stages: Iterable[StageReport]) -> Table:
    """What each stage cost."""
    table = Table("stage", box=None)
    table.add_column("seconds", justify="right")
    table.add_column("peak MiB", justify="right")
    table.add_column("")
    for stage in stages:
        kept = "kept" if stage.reused else ""
        table.add_row(stage.name, f"{stage.seconds:.1f}", f"{stage.peak_mib:.0f}", kept)
    return table


def _paired_cell(one: Difference | None, count: int) -> str:
    """With the number of cases, where some of them are undefined."""
    if one is None:
        return ""
    digits = 3 if one.metric == "dice" else 2
    interval = "" if math.isnan(one.low) else f" [{one.low:+.{digits}f}, {one.high:+.{digits}f}]"
    p = "p<.001" if one.p < 0.001 else f"p={one.p:.3f}"
    fewer = f" (n={one.n})" if one.n < count else ""
    return f"{one.mean:+.{digits}f}{interval} {p}{fewer}"


def _cell(row: Summary) -> str:
    if math.isnan(row.mean):
        return "undefined"
    digits = 3 if row.metric == "dice" else 2
    mean = f"{row.mean:.{digits}f}" if row.mean < 100 else f"{row.mean:.1f}"
    spread = f"±{row.sd:.2f}" if row.sd < 100 else f"±{row.sd:.1f}"
    note = f" (n={row.n})" if row.undefined else ""
    return f"{mean}{'' if math.isnan(row.sd) else spread}{note}"
