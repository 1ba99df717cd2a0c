"""Top-q: keep the most confident portion q of each class's voxels (PAST, Algorithm 1).

Class c's threshold is the confidence above which a portion q of all voxels *predicted
as c*, over the whole set, lie. Pooling over the set lets a confidently segmented case
give more labels than a doubtful one; doing so by class keeps background, over 99.9 % of
the voxels, from deciding what is confident enough for a tumour. What is not kept gets
the *ignore* value, background included. The cap is that of BDL (Li et al., CVPR 2019).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal, Self, cast

import numpy as np
from pydantic import Field, model_validator

from past_core.config import PluginConfig
from past_core.errors import ConfigError
from past_core.interfaces import Prediction, Strategy
from past_selftrain.components import islands
from past_selftrain.confidence import predicted_classes, slabs
from past_selftrain.histogram import ConfidenceHistograms, Threshold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from past_core.labels import Labels

__all__ = ["TopQ", "TopQConfig"]

log = logging.getLogger(__name__)


class TopQConfig(PluginConfig):
    """How much of a prediction becomes a pseudo-label."""

    q: float = Field(default=0.6, gt=0, le=1)
    """Portion of each class's predicted voxels that is kept in round 1 (paper: 0.6)."""
    q_step: float = Field(default=0.0, ge=0, le=1)
    """Added to q in every further round: q_k = min(q_max, q + (k - 1) q_step)."""
    q_max: float = Field(default=1.0, gt=0, le=1)
    """Upper bound of q over the rounds."""
    cap: float | None = Field(default=None, gt=0, le=1)
    """Keep voxels of at least this confidence in any case (BDL: 0.9); none by default."""
    scope: Literal["class", "class-and-case"] = "class"
    """Quantiles of each class over the whole set, or over each case by itself."""
    largest_component: tuple[str, ...] = ()
    """Structures of one piece, such as a tumour: predicted voxels outside the largest
    26-connected component are ignored and do not count towards q."""

    @model_validator(mode="after")
    def _q_below_its_maximum(self) -> Self:
        if self.q > self.q_max:
            raise ValueError(f"q ({self.q}) is above q_max ({self.q_max})")
        return self

    def portion(self, round_number: int) -> float:
        """Q in this round, counted from 1."""
        return min(self.q_max, self.q + (round_number - 1) * self.q_step)


class TopQ(Strategy):
    """Class-wise top-q selection in two passes: histograms, then labels.

    Every file is read twice (four times where ``largest_component`` is used). In memory
    are the histograms (0.8 MB a class), a slab of about a million voxels, and the
    pseudo-label of one case.
    """

    config: TopQConfig

    def select(
        self, predictions: Sequence[Prediction], labels: Labels, round_number: int
    ) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
        """Yield ``(case id, pseudo-label)`` in order; see ``Strategy.select``.

        Voxels exactly at the threshold are kept. Float16 rounds confidences above
        0.99976 to 1, so that of a class with more than a portion q of its voxels there,
        all of those are kept: the portion kept is then larger than q. It is logged.

        Raises
        ------
        past_core.errors.ConfigError
            If ``largest_component`` names a structure that the data set does not have.
        past_core.errors.DataError
            If a prediction cannot be read or holds no probabilities.
        """
        single = self._single_pieces(labels)
        if self.config.scope == "class":
            thresholds = self._thresholds(predictions, labels, round_number, single)
        for prediction in predictions:
            if self.config.scope == "class-and-case":
                thresholds = self._thresholds([prediction], labels, round_number, single)
            yield prediction.case_id, _keep(prediction, labels, thresholds, single)

    def thresholds(
        self, predictions: Sequence[Prediction], labels: Labels, round_number: int
    ) -> list[Threshold]:
        """Cut of each class, background first, with these predictions as the whole set."""
        return self._thresholds(predictions, labels, round_number, self._single_pieces(labels))

    def _single_pieces(self, labels: Labels) -> list[int]:
        unknown = [s for s in self.config.largest_component if s not in labels.structures]
        if unknown:
            raise ConfigError(
                f"top-q: largest_component names {', '.join(unknown)}, "
                f"but the data set has {', '.join(labels.structures)}."
            )
        return [labels.value(structure) for structure in self.config.largest_component]

    def _thresholds(
        self,
        predictions: Sequence[Prediction],
        labels: Labels,
        round_number: int,
        single: list[int],
    ) -> list[Threshold]:
        histograms = ConfidenceHistograms(labels.count)
        for prediction in predictions:
            for _, predicted, confidence in _candidates(prediction, labels, single):
                histograms.add(predicted, confidence)
        portion = self.config.portion(round_number)
        thresholds = [
            histograms.threshold(label, portion, self.config.cap) for label in range(labels.count)
        ]
        whose = predictions[0].case_id if len(predictions) == 1 else f"{len(predictions)} cases"
        _report(thresholds, labels, f"round {round_number}, q = {portion:g}, {whose}")
        return thresholds


def _candidates(
    prediction: Prediction, labels: Labels, single: list[int]
) -> Iterator[tuple[slice, npt.NDArray[np.uint8], npt.NDArray[np.float64]]]:
    """Slabs of one case, with islands of single-piece structures set to *ignore*."""
    outside = islands(predicted_classes(prediction, labels), single) if single else None
    for where, predicted, confidence in slabs(prediction, labels):
        if outside is not None:
            predicted[outside[where]] = labels.ignore
        yield where, predicted, confidence


def _keep(
    prediction: Prediction, labels: Labels, thresholds: list[Threshold], single: list[int]
) -> npt.NDArray[np.uint8]:
    """The pseudo-label of one case: the predicted class where it is confident, else *ignore*."""
    cuts = np.array([*(one.confidence for one in thresholds), np.inf])  # the last for ignore
    parts = [
        np.where(confidence >= cuts[predicted], predicted, np.uint8(labels.ignore))
        for _, predicted, confidence in _candidates(prediction, labels, single)
    ]
    return cast("npt.NDArray[np.uint8]", np.concatenate(parts))


def _report(thresholds: list[Threshold], labels: Labels, title: str) -> None:
    for name, one in zip(labels.as_mapping(), thresholds, strict=True):
        if one.predicted == 0:
            log.warning("top-q, %s: %s was predicted nowhere; nothing is kept", title, name)
        else:
            log.info(
                "top-q, %s: %s kept from confidence %.6f on: %d of %d voxels (%.2f %%)",
                *(title, name, one.confidence, one.kept, one.predicted, 100 * one.portion),
            )
