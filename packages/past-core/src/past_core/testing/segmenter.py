"""A segmenter gives probabilities, follows its seed, resumes, warm-starts, reads back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from past_core.testing.cases import LABELS, tiny_cases, tiny_volume
from past_core.testing.promises import attempt, check_damaged_files, check_resumes, expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy.typing as npt

    from past_core.config import PluginConfig
    from past_core.interfaces import Context, Segmenter
    from past_core.volume import Volume

__all__ = ["check_segmenter"]


def check_segmenter(
    factory: type[Segmenter], config: PluginConfig, folder: Path, *, seed: int = 0
) -> None:
    """Check a segmenter against ``past_core.interfaces.Segmenter``.

    Parameters
    ----------
    factory
        The class that the plugin's description names.
    config
        One with which training takes seconds.
    folder
        An empty scratch folder.
    seed
        For training.

    Raises
    ------
    AssertionError
        Saying which promise was broken.
    """
    who = factory.__name__
    cases = tiny_cases(folder / "cases")
    scan = cases[0].load_image()

    def fit(context: Context) -> Segmenter:
        segmenter = factory(config)
        segmenter.fit(cases, LABELS, context)
        return segmenter

    segmenter = attempt(fit, folder / "work", who, seed=seed)
    predicted = _predict(segmenter, scan, who)
    expect(
        np.array_equal(predicted, _predict(segmenter, scan, who)),
        f"{who}: predicting the same volume twice gives different results",
    )
    other_grid, _ = tiny_volume(shape=(29, 22, 11), seed=5, spacing=(0.8, 1.1, 2.0))
    _predict(segmenter, other_grid, who)

    def same(_: Segmenter, other: Segmenter) -> bool:
        return np.array_equal(predicted, _predict(other, scan, who))

    finished = attempt(fit, folder / "work", who, seed=seed)
    expect(
        same(segmenter, finished),
        f"{who}: fit in a folder where the same work is already finished gives another result",
    )
    check_resumes(fit, same, segmenter, folder, who, seed=seed)

    saved = folder / "saved"
    saved.mkdir()
    segmenter.save(saved)
    expect(any(path.is_file() for path in saved.rglob("*")), f"{who}: save wrote no file")
    loaded = factory.load(saved)
    expect(isinstance(loaded, factory), f"{who}: load must return an instance of its class")
    expect(same(segmenter, loaded), f"{who}: predicts otherwise after save and load")
    _check_prediction_settings(factory, config, saved, lambda other: same(segmenter, other))
    check_damaged_files(saved, factory.load, folder / "damaged", who)

    def warm_start(context: Context) -> Segmenter:
        warm = factory(config)
        warm.fit(pseudo_labelled, LABELS, context, init_from=saved)
        return warm

    pseudo_labelled = tiny_cases(folder / "pseudo-labelled", seed=10, ignored=0.5)
    _predict(attempt(warm_start, folder / "warm", who, seed=seed), scan, who)


def _check_prediction_settings(
    factory: type[Segmenter],
    config: PluginConfig,
    saved: Path,
    same: Callable[[Segmenter], bool],
) -> None:
    """``load`` takes values of the settings that only predictions depend on."""
    who, values = factory.__name__, config.predictive()
    try:
        loaded = factory.load(saved, prediction=values)
    except Exception as error:
        raise AssertionError(
            f"{who}: load with prediction={values} raised {type(error).__name__} ({error}); "
            "expected a segmenter that predicts with these settings"
        ) from error
    expect(
        loaded.config.predictive() == values,
        f"{who}: load with prediction={values} gave one with {loaded.config.predictive()}",
    )
    expect(
        same(loaded),
        f"{who}: predicts otherwise after load with prediction={values}, the values it was "
        "trained with",
    )


def _predict(segmenter: Segmenter, scan: Volume, who: str) -> npt.NDArray[np.floating[Any]]:
    """Predict, and check grid, range and sum."""
    before = scan.data.copy()
    result = segmenter.predict(scan)
    expect(np.array_equal(scan.data, before), f"{who}: predict changed its input")
    expect(
        result.shape == (LABELS.count, *before.shape),
        f"{who}: expected probabilities of shape {(LABELS.count, *before.shape)}, "
        f"got {result.shape}; classes first, no channel for ignore, on the input's grid",
    )
    expect(np.issubdtype(result.dtype, np.floating), f"{who}: expected floats, got {result.dtype}")
    total = result.astype(np.float64).sum(axis=0)
    expect(
        bool(np.isfinite(result).all()) and result.min() >= 0 and result.max() <= 1 + 1e-6,
        f"{who}: probabilities run from {result.min()} to {result.max()}, not within [0, 1]",
    )
    expect(
        bool(np.abs(total - 1).max() < 5e-3),
        f"{who}: probabilities sum to {total.min():.4f} .. {total.max():.4f} over classes, not 1",
    )
    return result
