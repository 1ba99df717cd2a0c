"""Intensities: one range for every scan, and other ones for single structures."""

import numpy as np
import pytest

from past_core.intensity import rescale, vary
from past_core.volume import Volume


def volume(*values):
    return Volume(np.array(values, np.float32).reshape(-1, 1, 1), np.eye(4))


def test_the_percentiles_become_0_and_255_and_the_rest_is_clipped():
    scaled = rescale(volume(*range(101), 5000), low=0, high=100 * 100 / 101)
    np.testing.assert_allclose(scaled.data[[0, 50, 100, 101], 0, 0], [0, 127.5, 255, 255])


def test_a_structure_gets_one_factor_and_the_background_none():
    scan = volume(100, 50, 100, 200, 80)
    label = np.array([0, 1, 1, 2, 2]).reshape(-1, 1, 1)
    varied = vary(scan, label, (0.5, 0.9), np.random.default_rng(0)).data.ravel()
    assert varied[0] == 100
    assert varied[2] / varied[1] == pytest.approx(2)
    assert varied[3] / varied[4] == pytest.approx(2.5)
    assert varied[1] / 50 != pytest.approx(varied[4] / 80)
    assert all(0.5 <= ratio <= 0.9 for ratio in (varied[1] / 50, varied[4] / 80))


def test_brightened_structures_stay_in_range():
    label = np.array([0, 1]).reshape(-1, 1, 1)
    varied = vary(volume(200, 200), label, (3, 3), np.random.default_rng(0))
    assert varied.data.ravel().tolist() == [200, 255]
    assert varied.data.dtype == np.float32


def test_a_scan_without_structures_is_only_copied():
    varied = vary(volume(1, 2), np.zeros((2, 1, 1), np.uint8), (0.5, 1), np.random.default_rng(0))
    assert varied.data.ravel().tolist() == [1, 2]
