"""Scores as rows: computed a case at a time, written as CSV, summarised as mean ± SD."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from dataclasses import MISSING, asdict, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from past_core.errors import DataError
from past_core.files import atomic_path
from past_core.masks import masks_of
from past_core.problems import shown
from past_core.table import read_rows
from past_core.volume import same_grid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from past_core.interfaces import Metric
    from past_core.labels import Labels
    from past_core.masks import Masks
    from past_core.volume import Volume

__all__ = [
    "MEAN",
    "TEST",
    "VALIDATION",
    "Score",
    "Summary",
    "read_scores",
    "score_case",
    "summarise",
    "write_scores",
]

MEAN = "mean"
"""Stands in place of a structure in summaries: the mean over a case's structures."""
TEST = "test"
"""The part of a data set that results are reported on."""
VALIDATION = "validation"
"""The part that settings, and systems if that is asked for, are chosen by."""


@dataclass(frozen=True)
class Score:
    """One row of ``scores.csv``."""

    system: str
    case: str
    structure: str
    metric: str
    value: float
    """``nan`` where the metric is undefined."""
    route: str = ""
    """What answered for the case if no model was made for its protocol."""
    part: str = TEST
    """``test``, or ``validation``."""


@dataclass(frozen=True)
class Summary:
    """What one system reaches on one structure by one metric, over cases."""

    system: str
    structure: str
    """A structure, or ``MEAN``."""
    metric: str
    mean: float
    """``nan`` if no case has a value."""
    sd: float
    """Sample standard deviation over cases (n - 1 in the denominator); ``nan`` if n < 2."""
    n: int
    """Cases with a value."""
    undefined: int
    """Cases without one (``nan``), left out."""


def score_case(
    prediction: Volume,
    reference: Volume,
    labels: Labels,
    metrics: Mapping[str, Metric],
    *,
    system: str,
    case: str,
    route: str = "",
    part: str = TEST,
) -> list[Score]:
    """Compare a segmentation with its reference by every metric.

    Parameters
    ----------
    prediction, reference
        Label maps ``(i, j, k)`` on one grid.
    labels
        The structures to score.
    metrics
        Metrics by name.
    system, case, route, part
        For the rows.

    Raises
    ------
    DataError
        If the two do not lie on one grid, or a metric gives no numbers.
    """
    if not same_grid(prediction, reference):
        raise DataError(
            f"case {case}: the prediction of {system} lies on another grid than the reference "
            f"(shape {prediction.data.shape}, spacing {_mm(prediction)} against "
            f"{reference.data.shape}, {_mm(reference)}). Resample it onto the reference with "
            "nearest-neighbour interpolation."
        )
    rows = [
        Score(system, case, masks.structure, name, _value(metric, name, masks, case), route, part)
        for masks in masks_of(prediction, reference, labels)
        for name, metric in metrics.items()
    ]
    order = list(metrics)
    return sorted(rows, key=lambda row: order.index(row.metric))  # structures keep their order


def _value(metric: Metric, name: str, masks: Masks, case: str) -> float:
    value = metric(masks)
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"case {case}: the metric '{name}' gave {shown(value)} for {masks.structure}, where a "
            "number is due. Report this to its authors."
        ) from error


def write_scores(path: Path, rows: Iterable[Score]) -> None:
    """Write rows as CSV, whole or not at all; values read back exactly."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for row in rows:
            content = {**asdict(row), "value": repr(float(row.value))}
            writer.writerow(content[column] for column in _COLUMNS)


def read_scores(path: Path) -> list[Score]:
    """Read what ``write_scores`` wrote; further columns are skipped.

    Raises
    ------
    DataError
        If the file is missing, lacks a column, or a value is no number.
    """
    rows = read_rows(path, *_REQUIRED)
    return [_row(path, line, row) for line, row in enumerate(rows, start=2)]


def summarise(rows: Sequence[Score]) -> list[Summary]:
    """Mean and standard deviation over cases, by system, structure and metric.

    Undefined values (``nan``) are left out and counted. Each system and metric gets a
    further row ``MEAN``: the mean over a case's structures (those that are defined),
    then over cases.

    Systems, structures and metrics keep the order of their first appearance.

    Raises
    ------
    DataError
        If a system has two values for a case, structure and metric.
    """
    values: dict[tuple[str, str, str], dict[str, float]] = defaultdict(dict)
    for row in rows:
        cases = values[row.system, row.structure, row.metric]
        if row.case in cases:
            raise DataError(
                f"system {row.system} has two values of {row.metric} for {row.structure} "
                f"in case {row.case}. Score each case once, or name the systems apart."
            )
        cases[row.case] = row.value
    structures = list(dict.fromkeys(row.structure for row in rows))
    summaries = []
    for system in dict.fromkeys(row.system for row in rows):
        for metric in dict.fromkeys(row.metric for row in rows if row.system == system):
            found = {s: values[system, s, metric] for s in structures}
            found = {s: cases for s, cases in found.items() if cases}
            for structure, cases in found.items():
                summaries.append(_summary(system, structure, metric, list(cases.values())))
            ids = dict.fromkeys(case for cases in found.values() for case in cases)
            means = [_mean([c[i] for c in found.values() if i in c]) for i in ids]
            summaries.append(_summary(system, MEAN, metric, means))
    return summaries


_COLUMNS = [field.name for field in fields(Score)]
_REQUIRED = [field.name for field in fields(Score) if field.default is MISSING]


def _row(path: Path, line: int, row: dict[str, str]) -> Score:
    try:
        found = {column: row[column] for column in _REQUIRED if column != "value"}
        return Score(
            **found,
            value=float(row["value"]),
            route=row.get("route") or "",
            part=row.get("part") or TEST,
        )
    except ValueError as error:
        raise DataError(
            f"{path}, line {line}: the value is {shown(row['value'])}, no number. Score the "
            "case again."
        ) from error


def _summary(system: str, structure: str, metric: str, values: list[float]) -> Summary:
    defined = [value for value in values if not math.isnan(value)]
    spread = len(defined) > 1 and all(map(math.isfinite, defined))
    sd = float(np.std(defined, ddof=1)) if spread else math.nan
    return Summary(
        *(system, structure, metric, _mean(values), sd),
        n=len(defined),
        undefined=len(values) - len(defined),
    )


def _mean(values: list[float]) -> float:
    """The mean of the values that are defined; ``nan`` if none is."""
    defined = [value for value in values if not math.isnan(value)]
    return math.fsum(defined) / len(defined) if defined else math.nan


def _mm(volume: Volume) -> str:
    return " x ".join(f"{size:.3g}" for size in volume.spacing) + " mm"
