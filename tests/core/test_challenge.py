"""Ranks worked out by hand, and how stable they are."""

from __future__ import annotations

import math

import pytest

from past_core import DataError
from past_core.challenge import rank_systems
from past_core.scoring import Score

BOTH = {"dice": True, "assd": False}


def rows(**systems):
    """Of each system, by case, its Dice and ASSD of one structure."""
    return [
        Score(system, f"c{case}", "vs", metric, value)
        for system, cases in systems.items()
        for case, pair in enumerate(cases)
        for metric, value in zip(BOTH, pair, strict=True)
    ]


def test_ranks_are_averaged_over_metrics_and_cases():
    found = rank_systems(
        rows(
            a=[(0.9, 1.0), (0.8, 3.0)],  # ranks 1 1, 2 3
            b=[(0.8, 2.0), (0.9, 1.0)],  # ranks 2 2, 1 1
            c=[(0.7, 3.0), (0.7, 2.0)],  # ranks 3 3, 3 2
        ),
        BOTH,
    )
    assert [(one.system, one.place, one.score) for one in found.systems] == [
        ("b", 1, 1.5),
        ("a", 2, 1.75),
        ("c", 3, 2.75),
    ]
    assert found.cases == 2


def test_equal_values_share_the_better_rank_and_undefined_ones_are_last():
    found = rank_systems(
        rows(a=[(0.9, 1.0)], b=[(0.9, 1.0)], c=[(0.5, math.nan)], d=[(0.4, 900.0)]), BOTH
    )
    scores = {one.system: (one.place, one.score) for one in found.systems}
    assert scores == {"a": (1, 1.0), "b": (1, 1.0), "c": (3, 3.5), "d": (3, 3.5)}


def test_a_metric_whose_direction_nobody_knows_is_left_out():
    extra = [Score("a", "c0", "vs", "odd", 1.0), Score("b", "c0", "vs", "odd", 2.0)]
    found = rank_systems([*rows(a=[(0.9, 1.0)], b=[(0.8, 2.0)]), *extra], BOTH)
    assert [one.score for one in found.systems] == [1.0, 2.0]


def test_runs_with_other_seeds_are_averaged_first():
    first = rows(a=[(0.9, 1.0)], b=[(0.8, 2.0)])
    second = rows(a=[(0.1, 9.0)], b=[(0.8, 2.0)])
    assert [one.system for one in rank_systems([*first, *second], BOTH).systems] == ["b", "a"]


def test_an_order_that_holds_on_every_case_is_stable():
    found = rank_systems(rows(a=[(0.9, 1.0)] * 8, b=[(0.8, 2.0)] * 8), BOTH)
    assert found.tau == 1
    assert [(one.best, one.worst, one.first) for one in found.systems] == [(1, 1, 1.0), (2, 2, 0.0)]


def test_an_order_that_hangs_on_a_few_cases_is_not():
    wins, losses = (0.9, 1.0), (0.1, 9.0)
    even = [wins, losses] * 4
    found = rank_systems(rows(a=[*even, wins], b=[*reversed(even), losses]), BOTH)
    first, second = found.systems
    assert (first.system, first.best, first.worst) == ("a", 1, 2)
    assert 0.55 < first.first < 0.85
    assert first.first + second.first >= 1
    assert 0.1 < found.tau < 0.7


def test_systems_of_other_cases_are_refused():
    given = [*rows(a=[(0.9, 1.0)] * 2), *rows(b=[(0.8, 2.0)])]
    with pytest.raises(DataError, match=r"system b has no dice of vs on case c1"):
        rank_systems(given, BOTH)
    with pytest.raises(DataError, match="nothing to rank"):
        rank_systems(given, {"hd95": False})


def test_one_system_alone_is_the_first():
    found = rank_systems(rows(a=[(0.9, 1.0)] * 3), BOTH)
    assert (found.systems[0].place, math.isnan(found.tau)) == (1, True)
