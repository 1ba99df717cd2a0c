"""A strategy labels every case in order, marks what it leaves out, and needs little memory."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import numpy as np

from past_core.testing.cases import LABELS, tiny_predictions
from past_core.testing.promises import expect

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from past_core.config import PluginConfig
    from past_core.interfaces import Prediction, PseudoLabel, Strategy

__all__ = ["check_strategy"]


def check_strategy(
    factory: type[Strategy], config: PluginConfig, folder: Path, teachers: int = 1
) -> None:
    """Check a strategy against ``past_core.interfaces.Strategy``.

    Parameters
    ----------
    factory
        The class that the plugin's description names.
    config
        Its configuration.
    folder
        An empty scratch folder.
    teachers
        How many it needs.

    Raises
    ------
    AssertionError
        Saying which promise was broken.
    """
    who = factory.__name__
    strategy = factory(config)
    predictions = [
        *tiny_predictions(folder / "one", 2, teachers=teachers),
        *tiny_predictions(folder / "two", 1, shape=(7, 9, 5), seed=7, teachers=teachers),
    ]
    for round_number in (1, 2):
        first = _select(strategy, predictions, round_number, who)
        again = _select(factory(config), predictions, round_number, who)
        expect(
            all(np.array_equal(a, b) for a, b in zip(first, again, strict=True)),
            f"{who}: two selections from the same predictions differ in round {round_number}",
        )
        expect(
            any((label != LABELS.ignore).any() for label in first),
            f"{who}: nothing was kept in round {round_number}, though voxels of probability 1 "
            "were predicted",
        )
    for structure in LABELS.structures:
        absent = tiny_predictions(
            folder / f"no-{structure}", 2, absent=structure, teachers=teachers
        )
        labels = _select(strategy, absent, 1, who)
        expect(
            not any((label == LABELS.value(structure)).any() for label in labels),
            f"{who}: {structure} has pseudo-labels, though its probability is 0 everywhere",
        )
    many = tiny_predictions(folder / "many", 8, shape=(64, 32, 32), teachers=teachers)
    _check_memory(strategy, many, who)


def _select(
    strategy: Strategy, predictions: Sequence[Prediction], round_number: int, who: str
) -> list[npt.NDArray[np.uint8]]:
    """Select, and check order, grid, type and values."""
    selected = list(strategy.select(predictions, LABELS, round_number))
    expected = [prediction.case_id for prediction in predictions]
    found = [one.case_id for one in selected]
    expect(found == expected, f"{who}: gave cases {found}, expected {expected} in this order")
    for prediction, one in zip(predictions, selected, strict=True):
        _check_label(one, prediction.probabilities().shape[1:], who)
        _check_weights(one, who)
        _check_by_image(one, who)
    return [one.label for one in selected]


def _check_label(one: PseudoLabel, shape: tuple[int, ...], who: str) -> None:
    label = one.label
    expect(
        label.shape == shape and label.dtype == np.uint8,
        f"{who}: case {one.case_id} has a {label.dtype} label of shape {label.shape}, "
        f"expected uint8 and {shape}",
    )
    expect(
        int(label.max()) <= LABELS.ignore,
        f"{who}: case {one.case_id} has label {label.max()}, above ignore ({LABELS.ignore})",
    )


def _check_weights(one: PseudoLabel, who: str) -> None:
    expect(
        np.isfinite(one.scan_weight) and one.scan_weight >= 0,
        f"{who}: case {one.case_id} has the scan weight {one.scan_weight}, which must not be "
        "negative",
    )
    if one.voxel_weights is None:
        return
    expect(
        one.voxel_weights.shape == one.label.shape,
        f"{who}: case {one.case_id} has voxel weights of shape {one.voxel_weights.shape}, "
        f"expected {one.label.shape}",
    )
    low, high = float(one.voxel_weights.min()), float(one.voxel_weights.max())
    expect(
        low >= 0 and high <= 1,
        f"{who}: case {one.case_id} has voxel weights from {low:g} to {high:g}, expected 0 to 1",
    )


def _check_by_image(one: PseudoLabel, who: str) -> None:
    if one.by_image is None:
        return
    expect(
        one.by_image.dtype == bool and one.by_image.shape == one.label.shape,
        f"{who}: case {one.case_id} has {one.by_image.dtype} by_image of shape "
        f"{one.by_image.shape}, expected bool and {one.label.shape}",
    )


def _check_memory(strategy: Strategy, predictions: Sequence[Prediction], who: str) -> None:
    """Four times as many cases may cost no more than the size of one of them on top."""
    one_case = predictions[0].probabilities().nbytes

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            for _ in strategy.select(predictions[:count], LABELS, 1):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)  # what is allocated once only
    few, many = peak(2), peak(8)
    expect(
        many < few + one_case,
        f"{who}: the peak of memory grew from {few} bytes with 2 cases to {many} with 8; "
        "hold one case at a time",
    )
