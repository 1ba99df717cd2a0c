"""How well figures rank, where the truth is known."""

import math

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from past_core.rank_correlation import correlations

TRUTH = {f"model{n}": n / 30 for n in range(24)}


def test_a_perfect_order_is_one_and_costs_nothing():
    (one,) = correlations({"flip": {name: value**3 for name, value in TRUTH.items()}}, TRUTH)
    assert (one.spearman, one.kendall, one.n, one.lost) == (
        pytest.approx(1),
        pytest.approx(1),
        24,
        0,
    )
    assert one.spearman_interval == pytest.approx((1, 1))


def test_a_reversed_order_costs_the_best_candidate():
    (one,) = correlations({"flip": {name: -value for name, value in TRUTH.items()}}, TRUTH)
    assert one.spearman == pytest.approx(-1)
    assert one.lost == pytest.approx(23 / 30)


def test_a_noisy_order_has_an_interval_around_its_value():
    random = np.random.default_rng(0)
    figures = {name: value + random.normal(0, 0.2) for name, value in TRUTH.items()}
    (one,) = correlations({"flip": figures}, TRUTH)
    pairs = list(figures.values()), list(TRUTH.values())
    assert one.spearman == pytest.approx(spearmanr(*pairs).statistic)
    assert one.kendall == pytest.approx(kendalltau(*pairs).statistic)
    for value, (low, high) in (
        (one.spearman, one.spearman_interval),
        (one.kendall, one.kendall_interval),
    ):
        assert 0 < low < value < high < 1
        assert high - low > 0.1


def test_figures_that_are_all_alike_rank_nothing():
    (one,) = correlations({"flip": dict.fromkeys(TRUTH, 1.0)}, TRUTH)
    assert math.isnan(one.spearman)
    assert math.isnan(one.kendall)
    assert all(map(math.isnan, one.spearman_interval))


def test_candidates_without_figure_or_truth_are_left_out():
    figures = {"flip": {**TRUTH, "model0": math.nan, "unscored": 5.0}}
    (one,) = correlations(figures, TRUTH)
    assert (one.n, one.lost) == (23, 0)
    (two,) = correlations({"flip": {"model0": 0.0, "model1": 1.0, "other": 2.0}}, TRUTH)
    assert two.n == 2
    assert math.isnan(two.spearman)
    (none,) = correlations({"flip": {"other": 2.0}}, TRUTH)
    assert (none.n, math.isnan(none.lost)) == (0, True)


def test_few_candidates_have_no_interval():
    (one,) = correlations({"flip": {f"model{n}": n for n in range(7)}}, TRUTH)
    assert one.spearman == pytest.approx(1)
    assert all(map(math.isnan, one.spearman_interval))
