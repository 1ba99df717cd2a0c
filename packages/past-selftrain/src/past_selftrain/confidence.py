"""Read predictions slab by slab: the class of each voxel and how confident it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from past_core.errors import DataError
from past_core.interfaces import mean_probabilities

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from past_core.interfaces import Prediction
    from past_core.labels import Labels

__all__ = ["Slab", "likeliest", "ordered", "predicted_classes", "slabs"]

SLAB_VOXELS = 1 << 20
"""Voxels of one class that are in memory at a time."""

_SIGN = 0x8000
"""Bit patterns of float16 from here on are negative."""


@dataclass(frozen=True)
class Slab:
    """A part of one case, whole along its second and third axis."""

    where: slice
    """Where it lies along axis i."""
    probabilities: npt.NDArray[np.floating[Any]]
    """Mean over teachers ``(c, i, j, k)``, float16 or float32; read only."""
    predicted: npt.NDArray[np.uint8]
    """Predicted class, ``(i, j, k)``; where two share the highest probability, the lower one
    (background before structures)."""
    confidence: npt.NDArray[np.floating[Any]]
    """Probability of that class, in [1 / classes, 1], float16 or float32."""
    teachers: tuple[npt.NDArray[np.floating[Any]], ...]
    """The same part of every teacher's probabilities, each ``(c, i, j, k)``."""


def slabs(prediction: Prediction, labels: Labels) -> Iterator[Slab]:
    """Walk through one case along its first axis.

    Raises
    ------
    past_core.errors.DataError
        If a file cannot be read, has another number of classes, or holds numbers
        that are no probabilities (NaN, logits).
    """
    teachers = _open(prediction, labels)
    _, length, *plane = teachers[0].shape
    step = max(1, SLAB_VOXELS // max(1, int(np.prod(plane))))
    for start in range(0, length, step):
        where = slice(start, min(start + step, length))
        parts = tuple(one[:, where] for one in teachers)
        mean = _readable(mean_probabilities(parts))
        predicted, confidence = likeliest(mean)
        _check(prediction, confidence, labels.count)
        yield Slab(where, mean, predicted, confidence, parts)


def predicted_classes(prediction: Prediction, labels: Labels) -> npt.NDArray[np.uint8]:
    """The whole case's predicted classes ``(i, j, k)``."""
    whole = np.empty(_open(prediction, labels)[0].shape[1:], np.uint8)
    for slab in slabs(prediction, labels):
        whole[slab.where] = slab.predicted
    return whole


def likeliest(
    scores: npt.NDArray[np.floating[Any]],
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.floating[Any]]]:
    """Class of the highest score and that score; of two such classes the lower one.

    Parameters
    ----------
    scores
        ``(c, i, j, k)``, not negative; float16 is fastest.
    """
    values = ordered(scores)
    best, predicted = values[0], np.zeros(values.shape[1:], np.uint8)
    for label in range(1, len(values)):
        np.copyto(predicted, np.uint8(label), where=values[label] > best)
        best = np.maximum(best, values[label])
    return predicted, best.view(scores.dtype) if best.dtype == np.uint16 else best


def ordered(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[Any]:
    """The same numbers in a type that compares fast, in the same order.

    Float16 that are not negative are ordered as their bit patterns are, and processors compare
    integers many at a time.
    """
    if values.dtype != np.float16:
        return values
    bits = values.view(np.uint16)
    if bits.size and int(bits.max()) >= _SIGN:
        return values  # a minus sign somewhere, be it before a zero
    return bits


def _readable(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
    return values if values.dtype in (np.float16, np.float32) else values.astype(np.float32)


def _open(prediction: Prediction, labels: Labels) -> list[npt.NDArray[np.floating[Any]]]:
    try:
        teachers = prediction.of_each()
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{_names(prediction)}: the prediction of case {prediction.case_id} cannot be read "
            f"({error}). Delete it and predict again."
        ) from error
    for path, found in zip(prediction.paths, teachers, strict=True):
        if found.ndim != 4 or found.shape[0] != labels.count:
            raise DataError(
                f"{path}: expected probabilities of shape ({labels.count}, i, j, k) for "
                f"{labels.as_mapping()}, found {found.shape}. Delete it and predict again."
            )
        if found.shape != teachers[0].shape:
            raise DataError(
                f"{path}: has shape {found.shape}, but {prediction.paths[0]} {teachers[0].shape}. "
                "Teachers must see the same image: delete both and predict again."
            )
    return teachers


def _names(prediction: Prediction) -> str:
    return ", ".join(str(path) for path in prediction.paths)


def _check(prediction: Prediction, confidence: npt.NDArray[np.floating[Any]], classes: int) -> None:
    """The highest of C probabilities lies in [1/C, 1]; averages in float16 may round a little."""
    if confidence.size == 0:
        return
    values = ordered(confidence)
    low, high = (float(edge.view(confidence.dtype)) for edge in (values.min(), values.max()))
    if not (low >= 1 / classes - 0.01 and high <= 1.01):
        raise DataError(
            f"{_names(prediction)}: the highest class probability of case {prediction.case_id} "
            f"runs from {low:g} to {high:g}, but must lie between 1/{classes} and 1. The segmenter "
            "must give probabilities (after softmax), without NaN."
        )
