"""How sure a segmenter is of what it segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from past_core.validators.scanwise import ScanWise

if TYPE_CHECKING:
    import numpy.typing as npt

    from past_core.case import Case
    from past_core.interfaces import Candidate
    from past_core.labels import Labels

__all__ = ["Certainty", "NuclearNorm"]

LEAST = 0.01
"""Voxels count where some structure is at least this likely: all others are sure background."""


class Certainty(ScanWise):
    """1 minus the mean entropy of voxels near structures, as a share of the largest entropy.

    A warning rather than a guide: a segmenter may be sure and wrong, and one that finds nothing
    is the surest of all, so nothing found counts as 0.
    """

    def figure(self, candidate: Candidate, scan: Case, labels: Labels) -> float:
        """0 (all classes alike) to 1 (sure)."""
        near = _near(candidate.probabilities(scan))
        if near.size == 0:
            return 0.0
        entropy = -(near * np.log(np.maximum(near, 1e-12))).sum(axis=0)
        return 1 - float(entropy.mean() / np.log(labels.count))


class NuclearNorm(ScanWise):
    """Nuclear norm of the matrix of class probabilities near structures, 0 to 1.

    It is large where voxels are sure *and* classes are diverse (Cui et al., CVPR 2020: batch
    nuclear-norm maximisation), here as a share of what sure voxels in equal numbers of every
    class would have.
    """

    def figure(self, candidate: Candidate, scan: Case, labels: Labels) -> float:
        """0 where nothing is found."""
        near = _near(candidate.probabilities(scan))
        if near.size == 0:
            return 0.0
        # Singular values of a wide matrix, from the small square one.
        values = np.sqrt(np.maximum(np.linalg.eigvalsh(near @ near.T), 0))
        return float(values.sum() / np.sqrt(near.shape[1] * labels.count))


def _near(probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Probabilities ``(c, n)`` of the voxels near structures."""
    chosen = probabilities[1:].max(axis=0) >= LEAST
    return probabilities[:, chosen].astype(np.float64)
