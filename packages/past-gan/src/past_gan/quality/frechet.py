"""Fréchet distance between two sets of features, each taken as a Gaussian."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from past_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

__all__ = ["Gaussian", "frechet_distance"]


@dataclass(frozen=True)
class Gaussian:
    """Mean ``(features,)`` and covariance ``(features, features)`` of samples."""

    mean: npt.NDArray[np.float64]
    covariance: npt.NDArray[np.float64]

    @classmethod
    def of(cls, parts: Iterable[npt.NDArray[np.float64]]) -> Self:
        """Measure samples that come in parts ``(samples, features)``, none of which is kept.

        Raises
        ------
        DataError
            If there are fewer than two samples.
        """
        count, total, squares = 0, np.zeros(0), np.zeros((0, 0))
        for part in parts:
            if not count:
                total, squares = np.zeros(part.shape[1]), np.zeros((part.shape[1],) * 2)
            count += len(part)
            total += part.sum(axis=0)
            squares += part.T @ part
        if count < 2:
            raise DataError(f"{count} samples have no covariance: two or more are needed.")
        mean = total / count
        return cls(mean, (squares - count * np.outer(mean, mean)) / (count - 1))


def frechet_distance(x: Gaussian, y: Gaussian) -> float:
    """Squared Fréchet distance of two Gaussians (Dowson & Landau 1982).

    As in the *Fréchet inception distance* (Heusel et al. 2017). Over the features of
    ``patch_features`` it says how far the looks of translated scans are from those of real
    ones; 0: the same. Its values compare translators on one data set; those of other
    networks or data are of no other meaning. Fewer samples give larger values: compare sets
    of one size.

    ``|m_x - m_y|^2 + tr(S_x) + tr(S_y) - 2 tr((S_x S_y)^(1/2))``. The last trace is the
    sum of the singular values of ``S_x^(1/2) S_y^(1/2)``: no square root of a matrix that
    is not symmetric, and covariances of low rank do no harm.
    """
    root_x, root_y = _root(x.covariance), _root(y.covariance)
    spread = (root_x**2).sum() + (root_y**2).sum()
    shared = np.linalg.svd(root_x @ root_y, compute_uv=False).sum()
    apart = ((x.mean - y.mean) ** 2).sum()
    return max(0.0, float(apart + spread - 2 * shared))


def _root(covariance: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """The symmetric square root; rounding may have made eigenvalues slightly negative."""
    values, vectors = np.linalg.eigh(covariance)
    scaled = vectors * np.sqrt(np.clip(values, 0, None))
    root: npt.NDArray[np.floating] = scaled @ vectors.T
    return root
