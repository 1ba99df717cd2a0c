"""A metric gives one number a structure, whatever is empty."""

from __future__ import annotations

import math
import pickle
from typing import TYPE_CHECKING

import numpy as np

from past_core.masks import Masks
from past_core.testing.cases import LABELS, tiny_volume
from past_core.testing.promises import expect

if TYPE_CHECKING:
    import numpy.typing as npt

    from past_core.config import PluginConfig
    from past_core.interfaces import Metric

    Mask = npt.NDArray[np.bool_]

__all__ = ["check_metric"]

AFFINE = np.diag([0.5, 0.8, 2.5, 1.0])


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
    for structure in LABELS.structures:
        value = LABELS.value(structure)
        _check_structure(metric, who, structure, one == value, other == value)
    try:
        pickle.dumps(metric)
    except Exception as error:
        raise AssertionError(f"{who}: cannot go to another process: {error}") from error


def _check_structure(metric: Metric, who: str, structure: str, one: Mask, other: Mask) -> None:
    empty = np.zeros_like(one)
    pairs = {
        "equal masks": (one, one.copy()),
        "different masks": (one, other),
        "an empty prediction": (empty, one),
        "an empty reference": (one, empty),
        "two empty masks": (empty, empty.copy()),
    }
    values = {what: _value(metric, structure, pair, who, what) for what, pair in pairs.items()}
    equal, different = values["equal masks"], values["different masks"]
    expect(
        math.isfinite(equal) and math.isfinite(different),
        f"{who}: equal masks give {equal}, different ones {different}; expected two numbers",
    )
    expect(
        any(value != equal for value in values.values()),
        f"{who}: equal masks, different ones and empty ones all give {equal}",
    )
    views = one[::-1, :, ::-1], other[::-1, :, ::-1]
    flipped = _value(metric, structure, views, who, "flipped views")
    expect(
        math.isclose(flipped, different, rel_tol=1e-5, abs_tol=1e-12),
        f"{who}: {different} becomes {flipped} when both masks are flipped",
    )


def _value(metric: Metric, structure: str, pair: tuple[Mask, Mask], who: str, what: str) -> float:
    """Compute, and check the type and that the inputs stay as they are."""
    before = [mask.copy() for mask in pair]
    value = metric(Masks(structure, *pair, AFFINE))
    expect(
        all(map(np.array_equal, pair, before)),
        f"{who}: changed its inputs",
    )
    expect(
        isinstance(value, float) and not math.isinf(value),
        f"{who}: {what} give {value!r} for {structure}; expected a finite float, or nan for "
        "undefined",
    )
    return value
