"""A metric gives one number a structure, whatever is empty."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from past_core.testing.cases import LABELS, tiny_volume
from past_core.testing.promises import expect

if TYPE_CHECKING:
    import numpy.typing as npt

    from past_core.config import PluginConfig
    from past_core.interfaces import Metric

__all__ = ["check_metric"]

SPACING = (0.5, 0.8, 2.5)


def check_metric(factory: type[Metric], config: PluginConfig) -> None:
    """Check a metric against ``past_core.interfaces.Metric``.

    Raises
    ------
    AssertionError
        Saying which promise was broken.
    """
    who = factory.__name__
    metric = factory(config)
    one, other = (tiny_volume(seed=seed)[1].data for seed in (0, 1))
    empty = np.zeros_like(one)
    pairs = {
        "equal masks": (one, one.copy()),
        "different masks": (one, other),
        "an empty prediction": (empty, one),
        "an empty reference": (one, empty),
        "two empty masks": (empty, empty.copy()),
        "one absent structure": (one, np.where(one == 1, one, 0).astype(np.uint8)),
    }
    values = {what: _value(metric, *pair, who, what) for what, pair in pairs.items()}
    for structure in LABELS.structures:
        equal, different = (values[w][structure] for w in ("equal masks", "different masks"))
        expect(
            math.isfinite(equal) and math.isfinite(different) and equal != different,
            f"{who}: equal masks give {equal}, different ones {different}; expected two numbers "
            "that differ",
        )
    flipped = _value(metric, one[::-1, :, ::-1], other[::-1, :, ::-1], who, "flipped views")
    for structure, value in values["different masks"].items():
        expect(
            math.isclose(flipped[structure], value, rel_tol=1e-5),
            f"{who}: {value} becomes {flipped[structure]} when both masks are flipped",
        )


def _value(
    metric: Metric,
    prediction: npt.NDArray[np.uint8],
    reference: npt.NDArray[np.uint8],
    who: str,
    what: str,
) -> dict[str, float]:
    """Compute, and check keys, types and that the inputs stay as they are."""
    before = prediction.copy(), reference.copy()
    values = metric(prediction, reference, SPACING, LABELS)
    expect(
        np.array_equal(prediction, before[0]) and np.array_equal(reference, before[1]),
        f"{who}: changed its inputs",
    )
    expect(
        set(values) == set(LABELS.structures),
        f"{who}: gave values for {sorted(values)}, expected {sorted(LABELS.structures)}",
    )
    for structure, value in values.items():
        expect(
            isinstance(value, float) and not math.isinf(value),
            f"{who}: {what} give {value!r} for {structure}; expected a finite float, or nan "
            "for undefined",
        )
    return values
