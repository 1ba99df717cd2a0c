"""Systems compared case by case."""

import math

import numpy as np
import pytest
from scipy.stats import wilcoxon

from past_core.errors import DataError
from past_core.paired import differences, holm
from past_core.scoring import Score

CASES = [f"case{n}" for n in range(12)]


def scored(system, values, structure="vs", metric="dice", cases=CASES):
    return [
        Score(system, case, structure, metric, value)
        for case, value in zip(cases, values, strict=True)
    ]


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_differences_are_of_the_same_case(random):
    """A constant gain is found however much cases differ among themselves."""
    hard = random.uniform(0.2, 0.9, 12)
    gains = random.uniform(0.01, 0.03, 12)
    mixed_up = scored("new", np.roll(hard + gains, 1))
    (one,) = differences(scored("old", hard) + mixed_up, "old")
    assert one.p > 0.05
    (one,) = differences(scored("old", hard) + scored("new", hard + gains), "old")
    assert one.mean == pytest.approx(gains.mean())
    assert 0.01 < one.low < one.mean < one.high < 0.03
    assert one.p == pytest.approx(wilcoxon(gains).pvalue)
    assert one.p < 0.001
    assert (one.system, one.structure, one.metric, one.n) == ("new", "vs", "dice", 12)


def test_seeds_of_a_case_count_once(random):
    values = random.uniform(0, 1, (3, 12))
    rows = scored("old", [0.5] * 12) * 3
    for seed in values:
        rows += scored("new", seed)
    (one,) = differences(rows, "old")
    (expected,) = differences(scored("old", [0.5] * 12) + scored("new", values.mean(axis=0)), "old")
    assert one.n == 12
    assert one.p == expected.p
    assert one.mean == pytest.approx(expected.mean)


def test_p_values_are_corrected_for_the_number_of_systems():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([]) == []


def test_a_system_more_makes_each_less_sure(random):
    base = random.uniform(0.2, 0.9, 12)
    rows = scored("old", base) + scored("a", base + random.normal(0.02, 0.02, 12))
    (alone,) = differences(rows, "old")
    rows += scored("b", base + random.normal(0, 0.02, 12))
    beside, _ = differences(rows, "old")
    assert beside.p == pytest.approx(2 * alone.p)
    (named,) = differences(rows, "old", systems=["a"])
    assert named.p == alone.p


def test_the_mean_over_structures_is_paired_too():
    rows = scored("old", [0.0] * 12) + scored("old", [0.0] * 12, "cochlea")
    rows += scored("new", [0.2] * 12) + scored("new", [0.4] * 12, "cochlea")
    found = {one.structure: one for one in differences(rows, "old")}
    assert list(found) == ["vs", "cochlea", "mean"]
    assert found["mean"].mean == pytest.approx(0.3)
    assert found["mean"].low == found["mean"].high == pytest.approx(0.3)


def test_the_gap_lies_between_no_da_and_the_oracle():
    rows = scored("no-da", [0.2] * 12) + scored("oracle", [0.8] * 12) + scored("st1", [0.65] * 12)
    found = {one.system: one for one in differences(rows, "no-da")}
    assert found["st1"].gap == pytest.approx(0.75)
    assert found["oracle"].gap == 1
    (one,) = differences([row for row in rows if row.system != "oracle"], "no-da")
    assert math.isnan(one.gap)


def test_undefined_and_infinite_pairs_are_left_out():
    values = [math.nan, math.inf, *[1.0] * 10]
    rows = scored("old", [2.0] * 12, metric="assd") + scored("new", values, metric="assd")
    (one,) = differences(rows, "old", "assd")
    assert (one.n, one.mean) == (10, -1.0)


def test_a_structure_that_no_case_has_is_left_out():
    rows = scored("old", [1.0] * 12, metric="assd") + scored("new", [2.0] * 12, metric="assd")
    for system in ("old", "new"):
        rows += scored(system, [math.nan] * 12, "cochlea", "assd")
    (one,) = differences(rows, "old", "assd")
    assert (one.structure, one.mean) == ("vs", 1.0)


def test_few_cases_have_no_interval():
    cases = CASES[:5]
    values = [0.1, 0.2, 0.3, 0.4, 0.5]
    rows = scored("old", [0.0] * 5, cases=cases) + scored("new", values, cases=cases)
    (one,) = differences(rows, "old")
    assert math.isnan(one.low)
    assert one.mean == pytest.approx(0.3)


def test_equal_systems_do_not_differ():
    (one,) = differences(scored("old", [0.5] * 12) + scored("new", [0.5] * 12), "old")
    assert (one.mean, one.low, one.high, one.p) == (0, 0, 0, 1)


def test_other_scans_cannot_be_paired():
    others = [f"other{n}" for n in range(12)]
    rows = scored("old", [0.5] * 12) + scored("new", [0.5] * 12, cases=others)
    with pytest.raises(DataError, match=r"new and old have no case in common.*vs"):
        differences(rows, "old")
    with pytest.raises(DataError, match=r"no system none.*there are old, new"):
        differences(rows, "none")
    with pytest.raises(DataError, match=r"value of assd; there are none"):
        differences(rows, "old", "assd")
