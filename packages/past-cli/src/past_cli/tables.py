"""Tables for the terminal: plugins, scores, stages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from past_core.pipeline import StageReport
    from past_core.plugins import Registry
    from past_core.scoring import Summary

__all__ = ["plugin_table", "score_table", "stage_table"]

KINDS = ("dataset", "translator", "segmenter", "strategy", "metric")
UNITS = {"assd": "ASSD mm", "dice": "Dice"}


def plugin_table(registry: Registry) -> Table:
    """Every installed plugin with the distribution that provides it."""
    table = Table("kind", "name", "summary", "from", box=None)
    for kind in KINDS:
        for one in registry.all(kind):
            table.add_row(
                kind,
                f"[bold]{one.spec.name}[/bold]",
                one.spec.summary,
                f"{one.distribution} {one.version}",
            )
    return table


def score_table(summaries: Iterable[Summary]) -> Table:
    """One row a system; for each metric and structure, mean ± standard deviation over cases."""
    rows = list(summaries)
    columns = list(dict.fromkeys((row.metric, row.structure) for row in rows))
    table = Table("system", title="mean ± standard deviation over test cases")
    for metric, structure in columns:
        if structure == "mean" and sum(name == metric for name, _ in columns) == 2:
            continue
        table.add_column(f"{UNITS.get(metric, metric)}\n{structure}", justify="right")
    shown = [column.header for column in table.columns][1:]
    for system in dict.fromkeys(row.system for row in rows):
        cells = {
            f"{UNITS.get(row.metric, row.metric)}\n{row.structure}": _cell(row)
            for row in rows
            if row.system == system
        }
        table.add_row(system, *(cells.get(str(header), "") for header in shown))
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


def _cell(row: Summary) -> str:
    if math.isnan(row.mean):
        return "undefined"
    spread = "" if math.isnan(row.sd) else f" ± {row.sd:.3f}"
    note = f" (n={row.n})" if row.undefined else ""
    return f"{row.mean:.3f}{spread}{note}"
