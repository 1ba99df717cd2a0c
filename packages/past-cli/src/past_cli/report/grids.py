"""Tables of the report: the terminal's own, and those that are read here alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from past_cli.formats import plain_table
from past_cli.tables import column_name
from past_core.case import Domain
from past_core.paired import mean_interval
from past_core.pipeline import selections_of
from past_core.ranking import known_mean
from past_core.scoring import MEAN, TEST

if TYPE_CHECKING:
    from rich.table import Table

    from past_core.pipeline import Run, Selection
    from past_core.scoring import Score

__all__ = ["Grid", "acceptance", "cases", "of_table", "score_grid"]


@dataclass(frozen=True)
class Grid:
    """A table of text: headings, rows, and which columns are numbers."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Sequence[bool]


def of_table(table: Table, title: str = "") -> Grid:
    """What the terminal shows; its first column is the row's name."""
    found, headings, rows, right = plain_table(table)
    return Grid(title or found, headings, rows, right)


PAPER: Mapping[str, tuple[float, float]] = {
    "no-da": (0.055, 0.191),
    "nnunet448": (0.751, 0.782),
    "nnunet384": (0.591, 0.787),
    "nnunet-con": (0.828, 0.795),
    "nnunet-st2": (0.855, 0.809),
    "resunet-st2": (0.870, 0.782),
    "past": (0.870, 0.809),
}
"""Table 1 of the PAST paper: Dice of tumour and cochlea on crossMoDA 2021's validation scans."""


def score_grid(run: Run, scores: Sequence[Score], metric: str) -> Grid | None:
    """Every system's mean of a metric with its 95 % interval over test scans, and the paper's."""
    values: dict[tuple[str, str], list[float]] = {}
    of_case: dict[tuple[str, str], list[float]] = {}
    for score in scores:
        if score.metric == metric and score.part == TEST and not math.isnan(score.value):
            values.setdefault((score.system, score.structure), []).append(score.value)
            of_case.setdefault((score.system, score.case), []).append(score.value)
    if not values:
        return None
    structures = run.structures
    if len(structures) > 1:
        for (system, _), found in of_case.items():
            values.setdefault((system, MEAN), []).append(known_mean(found))
    digits = 3 if all(abs(one) <= 1 for found in values.values() for one in found) else 2
    columns = [*structures, *([MEAN] if len(structures) > 1 else [])]
    with_paper = metric == "dice" and {"nnunet448", "past"} & set(run.systems)
    rows = [
        [system, *(_mean(values.get((system, one), []), digits) for one in columns)]
        + ([_paper(system)] if with_paper else [])
        for system in run.systems
    ]
    headings = ["system", *columns, *(["the paper: tumour, cochlea"] if with_paper else [])]
    return Grid(
        f"{column_name(metric)}: mean over test scans, with its 95 % interval",
        headings,
        rows,
        [False, *[True] * (len(headings) - 1)],
    )


def _mean(values: Sequence[float], digits: int) -> str:
    if not values:
        return "undefined"
    mean, (low, high) = math.fsum(values) / len(values), mean_interval(values)
    interval = "" if math.isnan(low) else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return f"{mean:.{digits}f}{interval}"


def _paper(system: str) -> str:
    return ", ".join(f"{value:.3f}" for value in PAPER[system]) if system in PAPER else ""


def cases(run: Run, scores: Sequence[Score], system: str, metric: str = "dice") -> Grid | None:
    """Every test scan of a system, the one to look at first on top.

    Sorted by the score where labels are known, else by the label-free figures of trust; of some
    labelled and some unlabelled scans the latter come last.
    """
    known = {
        (score.case, score.structure): score.value
        for score in scores
        if (score.system, score.metric, score.part) == (system, metric, TEST)
    }
    trust = run.trust().get(system, {})
    names = dict.fromkeys([case for case, _ in known] + [c for f in trust.values() for c in f])
    if not names:
        return None
    structures = run.structures if known else []
    numbers = {
        case: [known.get((case, structure), math.nan) for structure in structures]
        + [figures.get(case, math.nan) for figures in trust.values()]
        for case in names
    }
    decisive = slice(0, len(structures)) if structures else slice(None)
    order = sorted(names, key=lambda case: _last_if_unknown(known_mean(numbers[case][decisive])))
    headings = ["scan", *(f"{column_name(metric)} {one}" for one in structures), *trust]
    rows = [[case, *("" if math.isnan(n) else f"{n:.3f}" for n in numbers[case])] for case in order]
    return Grid(
        f"every scan that {system} segmented, the worst first",
        headings,
        rows,
        [False, *[True] * (len(headings) - 1)],
    )


def _last_if_unknown(value: float) -> float:
    return math.inf if math.isnan(value) else value


def acceptance(run: Run) -> Grid | None:
    """How much of what was predicted each round of self-training kept, by class and domain."""
    rows = [list(row) for one in selections_of(run) for row in _accepted(one, run.structures)]
    if not rows:
        return None
    headings = ["model", "round", "scans", "structure", "predicted voxels", "kept", "by the image"]
    return Grid(
        "pseudo-labels that were kept", headings, rows, [False, True, False, False, *[True] * 3]
    )


def _accepted(one: Selection, structures: Sequence[str]) -> Iterator[tuple[str, ...]]:
    domain = "target" if one.domain == Domain.TARGET else "translated"
    for structure in structures:
        size = max(1, one.predicted[structure])
        moved = one.added[structure], one.taken[structure]
        by_image = f"+{moved[0] / size:.0%}, -{moved[1] / size:.0%}" if any(moved) else ""
        yield (
            one.model,
            str(one.round),
            f"{len(one.cases)} {domain}",
            structure,
            str(one.predicted[structure]),
            f"{one.share(structure):.0%}",
            by_image,
        )
