"""Agreement: several teachers label, and where they differ a voxel counts less (FPL+).

As of Wu et al. (IEEE TMI 2024): the label is that of the teachers' mean; a voxel on which they
differ has a lower weight in the loss; a scan is drawn the more often, the more they agree on it.
Teachers are two models, or one model on two translations; a round's ``teachers`` names them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from past_core.config import PluginConfig
from past_core.errors import ConfigError
from past_core.interfaces import Prediction, PseudoLabel, Strategy
from past_selftrain.confidence import Slab, likeliest, slabs
from past_selftrain.scans import by_domain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from past_core.labels import Labels

__all__ = ["Agreement", "AgreementConfig"]

log = logging.getLogger(__name__)

FLOOR = 0.01
"""Added to every scan's weight, so that the worst is still drawn at times (FPL+: 0.01)."""


class AgreementConfig(PluginConfig):
    """How much voxels and scans count on which teachers differ."""

    differing: float = Field(default=0.5, ge=0, le=1)
    """Weight in the loss of a voxel to which teachers give different classes (FPL+: 0.5).
    0: it is ignored."""
    scans: Literal["agreement", "alike"] = "agreement"
    """How often scans of a domain are drawn: in proportion to how far their teachers' agreement
    is above that of the worst, and never quite 0 (FPL+); or all alike."""


class Agreement(Strategy):
    """Labels of the teachers' mean, with weights of voxels and scans by how far they agree.

    Every file is read twice. In memory are a slab of about a million voxels and the pseudo-label
    of one case.
    """

    config: AgreementConfig

    def select(
        self,
        predictions: Sequence[Prediction],
        labels: Labels,
        round_number: int,  # noqa: ARG002  (all rounds are alike)
    ) -> Iterator[PseudoLabel]:
        """Yield pseudo-labels in order; see ``Strategy.select``.

        Raises
        ------
        past_core.errors.ConfigError
            If there is one teacher only.
        past_core.errors.DataError
            If a prediction cannot be read or holds no probabilities.
        """
        if alone := [one.case_id for one in predictions if len(one.paths) < 2]:
            raise ConfigError(
                f"agreement: case {alone[0]} has one teacher, and one cannot agree. Name two in "
                'the round: teachers = ["one/0", "other/0"].'
            )
        weights = self._scan_weights(predictions, labels)
        for one in predictions:
            yield self._label(one, labels, weights[one.case_id])

    def _label(self, prediction: Prediction, labels: Labels, weight: float) -> PseudoLabel:
        label, counted = [], []
        for slab in slabs(prediction, labels):
            differ, _ = _compared(slab)
            left_out = np.uint8(labels.ignore) if not self.config.differing else slab.predicted
            label.append(np.where(differ, left_out, slab.predicted))
            counted.append(np.where(differ, self.config.differing, 1).astype(np.float16))
        voxels = np.concatenate(counted) if self.config.differing else None
        return PseudoLabel(prediction.case_id, np.concatenate(label), weight, voxels)

    def _scan_weights(self, predictions: Sequence[Prediction], labels: Labels) -> dict[str, float]:
        """By case; of each domain the scan on which teachers agree most has the greatest."""
        if self.config.scans == "alike":
            return dict.fromkeys((one.case_id for one in predictions), 1.0)
        figures = {one.case_id: agreement_of(one, labels) for one in predictions}
        weights = {}
        for domain, members in by_domain(predictions).items():
            low, high = (edge(figures[case] for case in members) for edge in (min, max))
            for case in members:
                span = high - low
                weights[case] = (figures[case] - low) / span + FLOOR if span else 1.0
                log.info("agreement on %s scan %s: %.4f", domain, case, figures[case])
        return weights


def agreement_of(prediction: Prediction, labels: Labels) -> float:
    """Of voxels that any teacher takes for a structure, the share on which all agree, 0 to 1.

    Background, over 99.9 % of voxels, would make all scans alike. A scan in which no teacher finds
    anything has 0.
    """
    agreed = found = 0
    for slab in slabs(prediction, labels):
        differ, structure = _compared(slab)
        found += int(structure.sum())
        agreed += int((structure & ~differ).sum())
    return agreed / found if found else 0.0


def _compared(slab: Slab) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Where teachers differ, and where any of them finds a structure; ``(i, j, k)`` each."""
    first, *others = (likeliest(one)[0] for one in slab.teachers)
    differ, structure = np.zeros(first.shape, bool), first > 0
    for other in others:
        differ |= other != first
        structure |= other > 0
    return differ, structure
