"""What a run chose without target labels, and by which figures, as tables."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from past_core.pipeline import Run
    from past_core.rank_correlation import Correlation

__all__ = ["choice_tables", "correlation_table", "trust_tables"]

LEAST_TRUSTED = 5
"""Scans that are shown; all are in ``trust.csv``."""


def choice_tables(run: Run) -> Iterator[tuple[Table, str]]:
    """Of each system that chooses: its candidates' figures, and which was taken, and why."""
    for system, choice in run.choices().items():
        how = "by labelled validation scans" if choice.get("by") else "without target labels"
        said = f"{system} is {choice['chosen']}, chosen {how}{_beside(choice)}."
        if left_out := run.left_out(system):
            said += f" Left out so: {', '.join(left_out)}."
        yield _table(choice), said


def _beside(choice: Mapping[str, Any]) -> str:
    """The chosen one's figures beside those of the next."""
    others = {name: rank for name, rank in choice["ranks"].items() if name != choice["chosen"]}
    following = min(others, key=lambda name: others[name])
    figures = ", ".join(
        f"{validator} {means[choice['chosen']]:.3f} against {means[following]:.3f}"
        for validator, means in choice["means"].items()
    )
    return f" ({figures} of {following}, the next)"


def _table(choice: Mapping[str, Any]) -> Table:
    """One row a candidate, the chosen one marked by a star."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("system", no_wrap=True)
    for heading in (*choice["means"], "mean rank"):
        table.add_column(heading, justify="right")
    for candidate, rank in choice["ranks"].items():
        mark = "*" if candidate == choice["chosen"] else " "
        cells = (f"{means[candidate]:.3f}" for means in choice["means"].values())
        table.add_row(f"{mark} {candidate}", *cells, f"{rank:.1f}")
    return table


def correlation_table(correlations: Iterable[Correlation]) -> Table:
    """One row a validator."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("validator", no_wrap=True)
    for heading in ("Spearman", "Kendall", "n", "lost"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in correlations:
        table.add_row(
            one.validator,
            _with_interval(one.spearman, one.spearman_interval),
            _with_interval(one.kendall, one.kendall_interval),
            str(one.n),
            "" if math.isnan(one.lost) else f"{one.lost:.3f}",
        )
    return table


def trust_tables(run: Run) -> Iterator[tuple[Table, str]]:
    """Of each system that chooses: a heading, and the scans to be trusted least."""
    for system, figures in run.trust().items():
        cases = next(iter(figures.values()))
        means = {case: _known_mean(one[case] for one in figures.values()) for case in cases}
        order = sorted(means, key=lambda case: means[case])
        table = Table(box=SIMPLE_HEAD)
        table.add_column("scan", no_wrap=True)
        for validator in figures:
            table.add_column(validator, justify="right")
        for case in order[:LEAST_TRUSTED]:
            table.add_row(case, *(f"{values[case]:.3f}" for values in figures.values()))
        yield table, f"Segmentations of {system} to look at first:"


def _known_mean(values: Iterable[float]) -> float:
    """Mean of the figures there are; 0, the least, of none."""
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else 0.0


def _with_interval(value: float, interval: tuple[float, float]) -> str:
    if math.isnan(value):
        return "undefined"
    low, high = interval
    if math.isnan(low):
        return f"{value:+.2f}"
    return f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"
