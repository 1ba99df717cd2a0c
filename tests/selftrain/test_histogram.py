"""The streamed quantile against the exact one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from past_selftrain.histogram import ConfidenceHistograms


def exact(confidence, portion):
    """The ceil(portion * n)-th highest confidence."""
    ordered = np.sort(confidence)[::-1]
    return float(ordered[math.ceil(round(portion * len(ordered), 6)) - 1])


def filled(confidence, classes=1, predicted=None):
    histograms = ConfidenceHistograms(classes)
    predicted = np.zeros(confidence.shape, np.uint8) if predicted is None else predicted
    for part in np.array_split(np.arange(len(confidence)), 7):
        histograms.add(predicted[part], confidence[part].astype(np.float64))
    return histograms


@pytest.mark.parametrize("portion", [0.001, 0.1, 0.55, 0.6, 0.9, 1.0])
@pytest.mark.parametrize("classes", [2, 3, 8])
def test_float16_confidences_are_cut_exactly_where_the_exact_quantile_cuts(portion, classes):
    generator = np.random.default_rng(classes)
    doubt = generator.uniform(0, 1, 20_000) ** 6 * (1 - 1 / classes)
    confidence = (1 - doubt).astype(np.float16)
    found = filled(confidence).threshold(0, portion)
    wanted = exact(confidence, portion)
    assert np.array_equal(confidence.astype(float) >= found.confidence, confidence >= wanted)
    assert found.kept == int((confidence >= wanted).sum())


@pytest.mark.parametrize("portion", [0.01, 0.3, 0.6, 0.95])
@pytest.mark.parametrize("sharpness", [1, 5, 15])
def test_float32_thresholds_lie_within_a_4096th_of_the_doubt_below_the_exact_ones(
    portion, sharpness
):
    doubt = np.random.default_rng(0).uniform(0, 1, 50_000) ** sharpness * 0.6
    confidence = (1 - doubt).astype(np.float32)
    found = filled(confidence).threshold(0, portion)
    wanted = exact(confidence, portion)
    assert wanted - (1 - wanted) / 4096 - 2**-24 <= found.confidence <= wanted
    assert found.kept == int((confidence.astype(float) >= found.confidence).sum())
    assert found.kept >= math.ceil(portion * len(confidence))


def test_confidences_a_whisker_from_one_are_told_apart():
    confidence = 1 - np.array([2**-24, 2**-23, 2**-20, 2**-17])
    assert filled(confidence).threshold(0, 0.5).kept == 2


def test_each_class_has_its_own_threshold():
    confidence = np.concatenate([np.full(1000, 0.999), np.linspace(0.5, 0.7, 10)])
    predicted = np.array([0] * 1000 + [1] * 10, np.uint8)
    found = filled(confidence, 2, predicted).threshold(1, 0.6)
    assert found.predicted == 10
    assert found.kept == 6
    assert found.confidence == pytest.approx(confidence[-6], abs=1e-4)


def test_a_portion_of_a_round_number_keeps_that_many_despite_binary_fractions():
    confidence = np.linspace(0.5, 0.99, 100)
    assert filled(confidence).threshold(0, 0.55).kept == 55  # 0.55 * 100 > 55 in binary


def test_the_cap_lets_all_above_it_stay():
    confidence = np.array([0.99, 0.98, 0.95, 0.9, 0.89, 0.6])
    found = filled(confidence).threshold(0, 0.2, cap=0.9)
    assert found.kept == 4
    assert found.confidence == pytest.approx(0.9, abs=1e-4)


def test_the_cap_does_not_raise_a_lower_threshold():
    confidence = np.linspace(0.5, 0.8, 10)
    assert filled(confidence).threshold(0, 0.6, cap=0.9).kept == 6


def test_voxels_of_no_class_are_not_counted():
    histograms = ConfidenceHistograms(2)
    histograms.add(np.array([2, 255, 1], np.uint8), np.array([1.0, 1.0, 0.7]))
    assert histograms.threshold(1, 1.0).predicted == 1


def test_a_class_without_voxels_keeps_none():
    found = ConfidenceHistograms(2).threshold(1, 0.6, cap=0.9)
    assert found.confidence == math.inf
    assert math.isnan(found.portion)
