"""Translators without training: what they give, and that it is the target's."""

import numpy as np
import pytest

from past_core.case import Case, Domain
from past_core.interfaces import Context
from past_core.labels import Labels
from past_core.volume import Volume, save_volume
from past_gan.baselines.config import FDAConfig, HistogramConfig, IdentityConfig
from past_gan.baselines.fda import FDA
from past_gan.baselines.histogram import Histogram
from past_gan.baselines.identity import Identity

AFFINE = np.diag([1.0, 1.0, 3.0, 1.0])


def scan(seed, shape=(20, 16, 5), low=0, high=200):
    random = np.random.default_rng(seed)
    return Volume(random.uniform(low, high, shape).astype(np.float32), AFFINE)


@pytest.fixture
def fitted(tmp_path):
    def fit(translator, *targets):
        cases = []
        for number, volume in enumerate(targets):
            path = tmp_path / f"{number}.nii.gz"
            save_volume(volume, path)
            cases.append(Case(str(number), Domain.TARGET, path))
        translator.fit([], cases, Labels(("a",)), Context(tmp_path, 0))
        return translator

    return fit


def test_identity_changes_nothing(fitted):
    source = scan(0)
    translated = fitted(Identity(IdentityConfig()), scan(1)).translate(source)
    np.testing.assert_array_equal(translated.data, source.data)


def test_histogram_gives_the_targets_distribution_and_keeps_the_order(fitted):
    source, target = scan(0, low=100, high=200), scan(1, shape=(18, 18, 6), low=20, high=60)
    translated = fitted(Histogram(HistogramConfig()), target).translate(source)
    levels = np.linspace(0, 1, 11)
    np.testing.assert_allclose(
        np.quantile(translated.data, levels), np.quantile(target.data, levels), atol=0.5
    )
    order = np.argsort(source.data, axis=None)
    assert (np.diff(translated.data.ravel()[order]) >= 0).all()


def test_histogram_takes_the_mean_of_the_targets_quantiles(fitted):
    dark, bright = scan(1, low=0, high=50), scan(2, low=100, high=250)
    translated = fitted(Histogram(HistogramConfig()), dark, bright).translate(scan(0))
    levels = np.linspace(0, 1, 11)
    expected = (np.quantile(dark.data, levels) + np.quantile(bright.data, levels)) / 2
    np.testing.assert_allclose(np.quantile(translated.data, levels), expected, atol=1)


def test_equal_values_stay_equal_under_histogram_matching(fitted):
    source = Volume(np.repeat([0.0, 90.0], [600, 1000]).reshape(20, 16, 5).astype("f4"), AFFINE)
    translated = fitted(Histogram(HistogramConfig()), scan(1, low=0, high=100)).translate(source)
    low, high = np.unique(translated.data)
    # The middle of the levels that each spans: 0 to 37.5 %, and 37.5 to 100 %.
    assert low == pytest.approx(100 * 0.1875, abs=3)
    assert high == pytest.approx(100 * 0.6875, abs=3)


def test_fda_gives_the_targets_brightness_and_keeps_the_high_frequencies(fitted):
    source, target = scan(0, low=100, high=150), scan(1, shape=(24, 28, 4), low=40, high=60)
    translated = fitted(FDA(FDAConfig(beta=0.1)), target).translate(source)
    assert translated.data.mean() == pytest.approx(target.data.mean(), rel=1e-3)
    before, after = (np.fft.fft2(v.data, axes=(0, 1)) for v in (source, translated))
    changed = (np.abs(before - after) > 1e-2).any(axis=2)
    # 10 % of 24 pixels: frequencies up to 2 in either direction.
    near = np.abs(np.fft.fftfreq(20, 1 / 20))[:, None] <= 2
    near = near & (np.abs(np.fft.fftfreq(16, 1 / 16)) <= 2)[None]
    np.testing.assert_array_equal(changed, near)
    moved = near.copy()
    angles = np.angle(before[moved]) - np.angle(after[moved])
    np.testing.assert_allclose(np.cos(angles), 1, atol=1e-4)


def test_fda_of_a_target_scan_with_like_slices_is_that_scan(fitted):
    slices = np.repeat(scan(3, shape=(20, 16, 1), low=20, high=220).data, 4, axis=2)
    target = Volume(slices, AFFINE)
    translated = fitted(FDA(FDAConfig(beta=0.2)), target).translate(target)
    np.testing.assert_allclose(translated.data, target.data, atol=1e-2)


def test_fda_manages_slices_smaller_than_the_targets_window(fitted):
    translator = fitted(FDA(FDAConfig(beta=0.45)), scan(1, shape=(40, 40, 3)))
    assert translator.translate(scan(0, shape=(6, 5, 3))).data.shape == (6, 5, 3)


@pytest.mark.parametrize("translator", [Identity(IdentityConfig()), FDA(FDAConfig())])
def test_an_unfitted_translator_says_so(translator):
    with pytest.raises(RuntimeError, match="call fit or load first"):
        translator.translate(scan(0))
