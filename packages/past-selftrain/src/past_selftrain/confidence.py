"""Read predictions slab by slab: the class of each voxel and how confident it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from past_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from past_core.interfaces import Prediction
    from past_core.labels import Labels

__all__ = ["predicted_classes", "slabs"]

SLAB_VOXELS = 1 << 20
"""Voxels of one class that are in memory at a time."""


def slabs(
    prediction: Prediction, labels: Labels
) -> Iterator[tuple[slice, npt.NDArray[np.uint8], npt.NDArray[np.float64]]]:
    """Walk through one case along its first axis.

    Yields
    ------
    slice
        Where the slab lies along axis i.
    array
        Predicted class, ``(i, j, k)``; where two share the highest probability, the
        lower one (background before structures).
    array
        Confidence, the probability of that class, in [1 / classes, 1].

    Raises
    ------
    past_core.errors.DataError
        If the file cannot be read, has another number of classes, or holds numbers
        that are no probabilities (NaN, logits).
    """
    probabilities = _open(prediction, labels)
    step = max(1, SLAB_VOXELS // max(1, int(np.prod(probabilities.shape[2:]))))
    for start in range(0, probabilities.shape[1], step):
        where = slice(start, min(start + step, probabilities.shape[1]))
        slab = np.asarray(probabilities[:, where], dtype=np.float32)
        predicted = slab.argmax(axis=0).astype(np.uint8)
        confidence = slab.max(axis=0).astype(np.float64)
        _check(prediction, confidence, labels.count)
        yield where, predicted, confidence


def predicted_classes(prediction: Prediction, labels: Labels) -> npt.NDArray[np.uint8]:
    """The whole case's predicted classes ``(i, j, k)``."""
    shape = _open(prediction, labels).shape[1:]
    whole = np.empty(shape, np.uint8)
    for where, predicted, _ in slabs(prediction, labels):
        whole[where] = predicted
    return whole


def _open(prediction: Prediction, labels: Labels) -> npt.NDArray[np.floating]:
    try:
        probabilities = prediction.probabilities()
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{prediction.path}: the prediction of case {prediction.case_id} cannot be read "
            f"({error}). Delete it and predict again."
        ) from error
    if probabilities.ndim != 4 or probabilities.shape[0] != labels.count:
        raise DataError(
            f"{prediction.path}: expected probabilities of shape ({labels.count}, i, j, k) for "
            f"{labels.as_mapping()}, found {probabilities.shape}. Delete it and predict again."
        )
    return probabilities


def _check(prediction: Prediction, confidence: npt.NDArray[np.float64], classes: int) -> None:
    """The highest of C probabilities lies in [1/C, 1]; averages in float16 may round a little."""
    if confidence.size == 0:
        return
    low, high = float(confidence.min()), float(confidence.max())
    if not (low >= 1 / classes - 0.01 and high <= 1.01):
        raise DataError(
            f"{prediction.path}: the highest class probability of case {prediction.case_id} runs "
            f"from {low:g} to {high:g}, but must lie between 1/{classes} and 1. The segmenter "
            "must give probabilities (after softmax), without NaN."
        )
