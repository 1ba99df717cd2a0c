"""Fréchet distance between two sets of features, each taken as a Gaussian."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from past_core.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["frechet_distance"]


def frechet_distance(x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]) -> float:
    """Squared Fréchet distance of the Gaussians of two samples (Dowson & Landau 1982).

    As in the *Fréchet inception distance* (Heusel et al. 2017). Over the features of
    ``patch_features`` it says how far the looks of translated scans are from those of real
    ones; 0: the same. Its values compare translators on one data set; those of other
    networks or data are of no other meaning. Fewer samples give larger values: compare sets
    of one size.

    ``|m_x - m_y|^2 + tr(S_x) + tr(S_y) - 2 tr((S_x S_y)^(1/2))``. The last trace is the
    sum of the singular values of ``S_x^(1/2) S_y^(1/2)``: no square root of a matrix that
    is not symmetric, and covariances of low rank do no harm.

    Parameters
    ----------
    x, y
        ``(samples, features)``, at least two samples each.
    """
    for name, sample in (("x", x), ("y", y)):
        if sample.ndim != 2 or len(sample) < 2 or sample.shape[1] != x.shape[1]:
            raise DataError(
                f"{name} is {sample.shape}, beside x of {x.shape}: a covariance needs "
                "(samples, features) with two samples or more. Give more slices."
            )
    root_x, root_y = _root(np.cov(x, rowvar=False)), _root(np.cov(y, rowvar=False))
    spread = (root_x**2).sum() + (root_y**2).sum()
    shared = np.linalg.svd(root_x @ root_y, compute_uv=False).sum()
    apart = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()
    return max(0.0, float(apart + spread - 2 * shared))


def _root(covariance: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """The symmetric square root; rounding may have made eigenvalues slightly negative."""
    values, vectors = np.linalg.eigh(np.atleast_2d(covariance))
    scaled = vectors * np.sqrt(np.clip(values, 0, None))
    root: npt.NDArray[np.floating] = scaled @ vectors.T
    return root
