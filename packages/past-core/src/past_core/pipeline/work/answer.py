"""One answer of several predictions: averages, and structures that different models answer for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from past_core.labels import Labels

__all__ = ["Answers", "Predicted", "Wanted", "join"]

Wanted = Mapping[str, Sequence[str]]
"""By structure the names of the predictions whose probabilities are averaged for it."""


class Predicted(Protocol):
    """One model's prediction of one scan."""

    def classes(self) -> npt.NDArray[np.uint8]:
        """Likeliest classes ``(i, j, k)``."""

    def probabilities(self) -> npt.NDArray[np.float32]:
        """Class probabilities ``(c, i, j, k)``."""


class Answers:
    """What a system says of one scan.

    Parameters
    ----------
    wanted
        Which predictions answer for which structure.
    predictions
        By name.
    labels
        The structures.
    """

    def __init__(
        self, wanted: Wanted, predictions: Mapping[str, Predicted], labels: Labels
    ) -> None:
        self.wanted = {structure: tuple(names) for structure, names in wanted.items()}
        self.predictions = predictions
        self.labels = labels

    def classes(self) -> npt.NDArray[np.uint8]:
        """The segmentation ``(i, j, k)``."""
        sets = set(self.wanted.values())
        if len(sets) == 1:
            return self._classes(next(iter(sets)))
        found = {names: (self._classes(names), self._mean(names)) for names in sets}
        return join({s: found[names] for s, names in self.wanted.items()}, self.labels)

    def probabilities(self) -> npt.NDArray[np.float32]:
        """Class probabilities ``(c, i, j, k)``, each structure's from the models for it.

        They sum up to 1 again: background has what structures leave, and where they leave
        nothing, all are scaled down alike.
        """
        sets = set(self.wanted.values())
        if len(sets) == 1:
            return self._mean(next(iter(sets)))
        found = {names: self._mean(names) for names in sets}
        result = np.zeros_like(next(iter(found.values())))
        for structure, names in self.wanted.items():
            value = self.labels.value(structure)
            result[value] = found[names][value]
        result[0] = np.maximum(0, 1 - result[1:].sum(axis=0))
        result /= result.sum(axis=0)
        return result

    def _classes(self, names: tuple[str, ...]) -> npt.NDArray[np.uint8]:
        if len(names) == 1:
            # As predicted: probabilities on disk are rounded, and could tie.
            return self.predictions[names[0]].classes()
        return np.asarray(self._mean(names).argmax(axis=0), np.uint8)

    def _mean(self, names: tuple[str, ...]) -> npt.NDArray[np.float32]:
        total = self.predictions[names[0]].probabilities().astype(np.float32)
        for name in names[1:]:
            total += self.predictions[name].probabilities()
        total /= len(names)
        return total


def join(
    answers: Mapping[str, tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]], labels: Labels
) -> npt.NDArray[np.uint8]:
    """One label map of structures that different models answer for.

    A structure lies where it is the likeliest class of its own model. Where two claim a
    voxel, the one of higher probability has it; of equal ones the first.

    Parameters
    ----------
    answers
        Of every structure, likeliest classes ``(i, j, k)`` and probabilities ``(c, i, j, k)`` of
        the model for it.
    labels
        The structures; the result has their values.
    """
    first, _ = next(iter(answers.values()))
    joined = np.zeros(first.shape, np.uint8)
    best = np.full(first.shape, -1, np.float32)
    for structure in labels.structures:
        classes, probabilities = answers[structure]
        value = labels.value(structure)
        strength = probabilities[value].astype(np.float32)
        claimed = (classes == value) & (strength > best)
        joined[claimed] = value
        best[claimed] = strength[claimed]
    return joined
