"""Consistency under a small turn and another size."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.ndimage import affine_transform
from scipy.spatial.transform import Rotation

from past_core.validators.config import AffineConfig
from past_core.validators.overlap import overlap
from past_core.validators.scanwise import ScanWise
from past_core.volume import coarsest_axis

if TYPE_CHECKING:
    import numpy.typing as npt

    from past_core.case import Case
    from past_core.interfaces import Candidate
    from past_core.labels import Labels

__all__ = ["Affine"]

DIRECTIONS = (1, -1)
"""Of the turn."""


class Affine(ScanWise):
    """Dice, 0 to 1, of a candidate's segmentation with that of the scan turned and resized.

    The turn is about the axis through the slices, in millimetres; the segmentation of the
    turned scan is turned back. What leaves the region by turning is not compared.
    """

    config: AffineConfig

    def applications(self) -> int:
        """One way and the other."""
        return len(DIRECTIONS)

    def figure(self, candidate: Candidate, scan: Case, labels: Labels) -> float:
        """Mean over both directions of the turn, mean over structures."""
        volume, before = scan.load_image(), candidate.classes(scan)
        values = []
        for sign in DIRECTIONS:
            there = self._matrix(scan.spacing, sign)
            turned = _moved(volume.data, there, order=1)
            found = candidate.segment(scan, replace(volume, data=turned))
            back = np.linalg.inv(there)
            seen = _moved(_moved(np.ones(before.shape, np.uint8), there, 0), back, 0) > 0
            values.append(overlap(before * seen, _moved(found, back, 0) * seen, labels))
        return float(np.mean(values))

    def _matrix(self, spacing: tuple[float, float, float], sign: int) -> npt.NDArray[np.float64]:
        """From voxels of the result to voxels of what is moved, about the centre."""
        axis = np.eye(3)[coarsest_axis(spacing)]
        turn = Rotation.from_rotvec(sign * self.config.degrees * axis, degrees=True).as_matrix()
        scale = self.config.scale**sign
        matrix: npt.NDArray[np.float64] = np.diag(1 / np.array(spacing)) @ turn @ np.diag(spacing)
        return matrix / scale


def _moved(
    data: npt.NDArray[Any], matrix: npt.NDArray[np.floating[Any]], order: Literal[0, 1]
) -> npt.NDArray[Any]:
    centre = (np.array(data.shape) - 1) / 2
    return np.asarray(
        affine_transform(data, matrix, offset=centre - matrix @ centre, order=order), data.dtype
    )
