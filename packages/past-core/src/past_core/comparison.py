"""Several runs side by side: what repeated seeds reach, as mean ± standard deviation."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from past_core.errors import DataError
from past_core.pipeline.opened import Run, open_run
from past_core.scoring import MEAN, TEST, Score, Summary, summarise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

__all__ = ["compare_runs", "group_runs", "scores_of_runs"]


def group_runs(runs: Iterable[Path]) -> dict[str, list[Path]]:
    """Run folders by name without its last number: ``.../nicegan-seed0`` is of ``nicegan``.

    Raises
    ------
    DataError
        If runs of one name have different settings or systems.
    """
    groups: dict[str, list[Path]] = defaultdict(list)
    for run in runs:
        groups[re.sub(r"[-_.]?(seed|s)?[-_.]?\d+$", "", run.resolve().name)].append(run)
    for name, members in groups.items():
        first, *others = (Run(folder) for folder in members)
        for other in others:
            for what in ("recipe", "systems_file"):
                one, two = getattr(first, what), getattr(other, what)
                if one and two and one != two:
                    raise DataError(
                        f"{other.folder}: its settings differ from those of {first.folder}, so "
                        f"both cannot stand in one row '{name}'. Rename one of the folders."
                    )
    return dict(groups)


def compare_runs(runs: Iterable[Path], systems: Sequence[str] = ()) -> list[Summary]:
    """Mean and standard deviation over the runs of a group, of each run's mean over cases.

    Parameters
    ----------
    runs
        Run folders, with ``scores.csv``.
    systems
        Those to compare; all, if none are named.

    Returns
    -------
    list of Summary
        ``system`` is the group's name and the system's; ``n`` counts runs.

    Raises
    ------
    DataError
        If a run has no scores, none of a named system, or groups do not fit.
    """
    rows: list[Score] = []
    for name, members in group_runs(runs).items():
        for run in members:
            opened = _scored(run)
            found = [s for s in opened.summaries() if s.structure != MEAN]
            lacking = set(systems) - {summary.system for summary in found}
            if lacking:
                raise DataError(
                    f"{run / 'scores.csv'}: no system {', '.join(sorted(lacking))}; "
                    f"there are {', '.join(dict.fromkeys(s.system for s in found))}."
                )
            rows += [
                Score(f"{name} {s.system}", str(run), s.structure, s.metric, s.mean)
                for s in found
                if not systems or s.system in systems
            ]
    summaries = summarise(rows)
    if len(systems) == 1:
        # The one system is said once, by whoever asked for it.
        summaries = [replace(s, system=s.system.removesuffix(f" {systems[0]}")) for s in summaries]
    return summaries


def scores_of_runs(runs: Iterable[Path]) -> list[Score]:
    """Every score of test scans of several runs, to be paired by case.

    ``system`` is the system's name, after that of the group where there are several groups.

    Raises
    ------
    DataError
        If a run has no scores, or a case of two runs has not the same reference: they are other
        scans of one name.
    """
    groups = group_runs(runs)
    _require_same_references([run for members in groups.values() for run in members])
    return [
        score if len(groups) == 1 else replace(score, system=f"{name} {score.system}")
        for name, members in groups.items()
        for run in members
        for score in _scored(run).scores()
        if score.part == TEST
    ]


def _scored(run: Path) -> Run:
    """A run that has scores of test scans."""
    opened = open_run(run)
    if not any(score.part == TEST for score in opened.scores()):
        raise DataError(
            f"{run}: this run has no scores, so nothing of it can be compared. Let it come to its "
            "end, without --until, on a data set whose test scans have labels; or score what it "
            "segmented with past-cli evaluate."
        )
    return opened


def _require_same_references(runs: Iterable[Path]) -> None:
    known: dict[str, tuple[str, Path]] = {}
    for run in runs:
        for case, content in Run(run).reference_hashes().items():
            other, where = known.setdefault(case, (content, run))
            if content != other:
                raise DataError(
                    f"{run}: the reference of case {case} is not that of {where}, so their scores "
                    "cannot be paired. Compare runs on the same data set."
                )
