"""Which scans are learnt from: those whose structures are predicted most confidently."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from past_selftrain.confidence import slabs
from past_selftrain.portions import count_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from past_core.case import Domain
    from past_core.interfaces import Prediction
    from past_core.labels import Labels

__all__ = ["by_domain", "confidence_of", "most_confident"]

log = logging.getLogger(__name__)


def most_confident(
    predictions: Sequence[Prediction], labels: Labels, portion: float
) -> list[Prediction]:
    """The ceil(portion * n) scans of each domain with the highest confidence, in their order.

    Parameters
    ----------
    portion
        In (0, 1]; with 1 nothing is read.
    """
    if portion >= 1:
        return list(predictions)
    figures = {one.case_id: confidence_of(one, labels) for one in predictions}
    kept: set[str] = set()
    for domain, members in by_domain(predictions).items():
        members.sort(key=lambda case: -figures[case])  # of equal ones the first stay
        count = count_of(portion, len(members))
        kept.update(members[:count])
        left = ", ".join(f"{case} ({figures[case]:.3f})" for case in members[count:])
        log.info("%s scans left out, by confidence: %s", domain, left or "none")
    return [one for one in predictions if one.case_id in kept]


def by_domain(predictions: Sequence[Prediction]) -> dict[Domain, list[str]]:
    """Ids of cases by domain, in their order."""
    groups: dict[Domain, list[str]] = {}
    for one in predictions:
        groups.setdefault(one.domain, []).append(one.case_id)
    return groups


def confidence_of(prediction: Prediction, labels: Labels) -> float:
    """Mean over structures of the mean confidence of the voxels predicted as each, 0 to 1.

    A structure that is predicted nowhere counts as 0 (class-wise mean as of Zou et al., ICCV
    2019).
    """
    total, count = np.zeros(labels.count), np.zeros(labels.count)
    for slab in slabs(prediction, labels):
        for value in range(1, labels.count):
            found = slab.confidence[slab.predicted == value]
            total[value] += found.sum(dtype=np.float64)
            count[value] += found.size
    return float(np.mean(total[1:] / np.maximum(count[1:], 1)))
