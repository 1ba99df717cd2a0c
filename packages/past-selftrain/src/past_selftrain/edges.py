"""Borders of predicted structures, moved to the edges of the image by random walks.

A segmenter that learnt from translations has their borders: all tumours a voxel too large, say.
Confidence does not tell, for it is as sure of them as of any, and a pseudo-label that leaves the
rim out teaches nothing about it. The image does: voxels near a border take the class whose sure
voxels a random walker most probably comes from, which seldom crosses an edge (Grady, IEEE PAMI
2006).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import numpy.typing as npt

    from past_core.volume import Volume

__all__ = ["Redrawn", "around", "redrawn", "relative_spacing"]

OUTSIDE = 2 / 3
"""How far the zone reaches outside of a structure, per voxel inside."""
MARGIN = 2.0
"""Voxels of background beyond the zone that walks may come from."""
SUREST = 0.3
"""Portion of a structure's piece that is sure, where no voxel of it lies deep enough."""
STIFFNESS = 500.0
"""How seldom a walk crosses an edge (beta of scikit-image's random walker)."""
CONNECTED = np.ones((3, 3, 3), bool)


@dataclass(frozen=True)
class Redrawn:
    """Classes near borders after the walks, ``(i, j, k)`` each."""

    zone: npt.NDArray[np.bool_]
    """Voxels that were decided anew."""
    classes: npt.NDArray[np.uint8]
    """Their classes; elsewhere as predicted."""
    probability: npt.NDArray[np.float32]
    """Of a walk from that class, 0 to 1; 1 elsewhere."""


def redrawn(
    image: Volume,
    predicted: npt.NDArray[np.uint8],
    certainty: npt.NDArray[np.floating[Any]],
    width: float,
    structures: Collection[int],
) -> Redrawn:
    """Decide anew about voxels near the borders of structures.

    Parameters
    ----------
    image
        Intensities from 0 to 255.
    predicted
        Classes ``(i, j, k)`` on its grid.
    certainty
        Of each class, ``(c, i, j, k)``: walks from a piece of a structure in which no voxel lies
        deep enough start where it is highest.
    width
        Voxels of the finest axis that the zone reaches into structures; two thirds as many
        outside. The same in mm along the other axes.
    structures
        Values of those whose borders move; all other voxels of a structure stay.
    """
    shape = predicted.shape
    result = Redrawn(np.zeros(shape, bool), predicted.copy(), np.ones(shape, np.float32))
    moving = np.isin(predicted, tuple(structures))
    if not moving.any():
        return result
    spacing = relative_spacing(image)
    box = around(moving, width, spacing)
    local = predicted[box], certainty[(slice(None), *box)], moving[box]
    seeds = _seeds(*local, width, spacing)
    for part, its in _parts(seeds):
        asked = its == 0
        seen = image.data[box][part]
        if asked.any() and np.ptp(seen) > 0:  # else there are no edges to go by
            found = _walk(seen, its, len(certainty), spacing)
            result.zone[box][part] |= asked
            result.classes[box][part][asked] = found.argmax(axis=0)[asked]
            result.probability[box][part][asked] = found.max(axis=0)[asked]
    return result


def relative_spacing(image: Volume) -> npt.NDArray[np.float64]:
    """Of the three axes, in voxels of the finest."""
    return np.array(image.spacing) / min(image.spacing)


def around(
    mask: npt.NDArray[np.bool_], width: float, spacing: npt.NDArray[np.float64]
) -> tuple[slice, ...]:
    """A box around what is marked, with all that walks of this width may reach."""
    reach = np.ceil((OUTSIDE * width + MARGIN) / spacing).astype(int) + 1
    box = []
    for axis, beyond in enumerate(reach):
        found = np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis})))
        box.append(slice(max(0, found[0] - beyond), found[-1] + 1 + beyond))
    return tuple(box)


def _seeds(
    predicted: npt.NDArray[np.uint8],
    certainty: npt.NDArray[np.floating[Any]],
    moving: npt.NDArray[np.bool_],
    width: float,
    spacing: npt.NDArray[np.float64],
) -> npt.NDArray[np.int32]:
    """Class + 1 where walks start, 0 where they are asked, -1 where nobody walks.

    ``moving``: voxels of the structures whose borders move.
    """
    from scipy import ndimage  # noqa: PLC0415  (half a second that reading settings spares)

    seeds = np.full(predicted.shape, -1, np.int32)
    outside = ndimage.distance_transform_edt(~moving, sampling=spacing)
    seeds[outside <= OUTSIDE * width] = 0
    seeds[(outside > OUTSIDE * width) & (outside <= OUTSIDE * width + MARGIN)] = 1
    fixed = (predicted > 0) & ~moving & (seeds >= 0)
    seeds[fixed] = predicted[fixed] + 1
    for value in map(int, np.unique(predicted[moving])):
        mask = predicted == value
        deep = ndimage.distance_transform_edt(mask, sampling=spacing) > width
        seeds[deep] = value + 1
        pieces, _ = ndimage.label(mask, CONNECTED)
        for number, box in enumerate(ndimage.find_objects(pieces), start=1):
            piece = pieces[box] == number
            if not deep[box][piece].any():
                sure = certainty[value][box].astype(np.float32)
                least = np.quantile(sure[piece], 1 - SUREST)
                seeds[box][piece & (sure >= least)] = value + 1
    return seeds


def _parts(
    seeds: npt.NDArray[np.int32],
) -> Iterator[tuple[tuple[slice, ...], npt.NDArray[np.int32]]]:
    """Boxes around the connected parts of what is walked on, and the seeds of just these parts."""
    from scipy import ndimage  # noqa: PLC0415

    parts, _ = ndimage.label(seeds >= 0, CONNECTED)
    for number, box in enumerate(ndimage.find_objects(parts), start=1):
        yield box, np.where(parts[box] == number, seeds[box], np.int32(-1))


def _walk(
    image: npt.NDArray[Any],
    seeds: npt.NDArray[np.int32],
    classes: int,
    spacing: npt.NDArray[np.float64],
) -> npt.NDArray[np.float32]:
    """Probabilities ``(c, i, j, k)`` of the classes that walks come from."""
    from skimage.segmentation import random_walker  # noqa: PLC0415

    named = np.unique(seeds[seeds > 0])
    result = np.zeros((classes, *seeds.shape), np.float32)
    if len(named) == 1:
        result[named[0] - 1] = 1
        return result
    found = random_walker(
        image.astype(np.float64) / 255,
        seeds,
        beta=STIFFNESS,
        mode="cg_j",
        tol=1e-4,
        prob_tol=np.inf,
        spacing=spacing,
        return_full_prob=True,
    )
    for value, one in zip(named, found, strict=True):
        result[value - 1] = one
    return result.clip(0, 1)
