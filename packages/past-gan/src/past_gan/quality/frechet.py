"""Fréchet distance between two sets of features, each taken as a Gaussian."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from past_core.errors import DataError
from past_gan.quality.features import patch_features

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["frechet_distance", "gaussian_distance"]


def frechet_distance(
    translated: Sequence[npt.NDArray[np.floating]], real: Sequence[npt.NDArray[np.floating]]
) -> float:
    """How far the looks of translated scans are from those of real ones; 0: the same.

    The squared distance of Fréchet (1957) as in the *Fréchet inception distance* (Heusel
    et al. 2017), over the features of ``patch_features``. Its values compare translators
    on one data set; those of other networks or data are of no other meaning. Fewer
    patches give larger values: compare sets of one size.

    Parameters
    ----------
    translated, real
        Stacks of slices ``(n, h, w)``; sizes may differ.

    Raises
    ------
    DataError
        If a set holds no slice, or too few for a covariance.
    """
    return gaussian_distance(patch_features(translated), patch_features(real))


def gaussian_distance(x: npt.NDArray[np.floating], y: npt.NDArray[np.floating]) -> float:
    """Squared Fréchet distance of the Gaussians of two samples (Dowson & Landau 1982).

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
