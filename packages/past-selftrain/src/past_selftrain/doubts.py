"""Whether the image can decide where a structure's borders lie, told without any label.

Random walks always put a border somewhere. Where there is an edge they put it there from wherever
they start; where there is none, it follows their start. So each structure is made a voxel too large
and a voxel too small, and walks start from both. How far their results agree, beyond what they
would if the image had no edges (for the middle of a thin structure they start from anyway), says
what they are worth: of the phantom's tumours and cochleae nine tenths, of vertebral bodies in
lumbar scans a fifth, whose pseudo-labels they harm.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from past_core.errors import DataError
from past_core.volume import Volume, load_volume
from past_selftrain.confidence import predicted_classes
from past_selftrain.edges import around, redrawn, relative_spacing
from past_selftrain.scans import by_domain

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from past_core.case import Domain
    from past_core.interfaces import Prediction
    from past_core.labels import Labels

__all__ = ["image_of", "settled", "trusted"]

log = logging.getLogger(__name__)

SCANS = 12
"""At most so many of a domain are looked at, evenly spread over their order."""
DOUBT = 1.0
"""Voxels of the finest axis by which structures are made larger and smaller."""
STEP = 0.1
"""Intensities, of 255, of an image without edges: none at all would leave nothing to walk by."""


def trusted(
    predictions: Sequence[Prediction], labels: Labels, width: float, least: float
) -> dict[Domain, tuple[int, ...]]:
    """Values of the structures in each domain whose borders the image decides.

    Parameters
    ----------
    predictions
        With images; scans of translations and of the target differ in their edges.
    width
        Of the zone, see ``edges.redrawn``.
    least
        What walks must settle of a doubt of one voxel, 0 to 1; with 0 nothing is read.
    """
    values = tuple(range(1, labels.count))
    known = {one.case_id: one for one in predictions}
    found: dict[Domain, tuple[int, ...]] = {}
    for domain, cases in by_domain(predictions).items():
        if least <= 0:
            found[domain] = values
            continue
        spread = sorted({round(n) for n in np.linspace(0, len(cases) - 1, SCANS)})
        shares = settled([known[cases[n]] for n in spread], labels, width)
        found[domain] = tuple(value for value in values if shares[value] >= least)
        for value in values:
            log.info(
                "edges: walks settle %.0f %% of a doubt of one voxel about %s in %s scans, so its "
                "borders %s",
                100 * shares[value],
                labels.structures[value - 1],
                domain,
                "move" if value in found[domain] else "stay",
            )
    return found


def settled(predictions: Sequence[Prediction], labels: Labels, width: float) -> dict[int, float]:
    """What walks settle of a doubt of one voxel, by structure; 0 if it is predicted nowhere.

    ``(seen - blind) / (1 - blind)``, where both are the Dice, over all scans, of what walks make of
    structures a voxel larger and a voxel smaller: in the image, and in one without edges. 1 if
    the image decides; about 0, or less, if it does not.
    """
    voxels = np.zeros((2, 3, labels.count))  # seen, blind; in both, larger, smaller; class
    structures = range(1, labels.count)
    for prediction in predictions:
        predicted = predicted_classes(prediction, labels)
        if not predicted.any():
            continue
        image = image_of(prediction)
        spacing = relative_spacing(image)
        box = around(predicted > 0, width + DOUBT, spacing)
        image, predicted = Volume(image.data[box], image.affine), predicted[box]
        depths = _depths(predicted, labels.count, spacing)
        starts = [
            (one, _depths(one, labels.count, spacing))
            for one in (_larger(predicted, depths, spacing), _smaller(predicted, depths))
        ]
        for n, scan in enumerate((image, _without_edges(image))):
            walked = [redrawn(scan, *start, width, structures).classes for start in starts]
            voxels[n] += _overlap(walked[0], walked[1], labels.count)
    seen, blind = 2 * voxels[:, 0] / np.maximum(voxels[:, 1] + voxels[:, 2], 1)
    return {v: float((seen[v] - blind[v]) / max(1 - blind[v], 1e-9)) for v in structures}


def _without_edges(image: Volume) -> Volume:
    """A faint chessboard: between all neighbours the same small step, so that distance decides."""
    board = np.indices(image.data.shape).sum(axis=0) % 2
    return Volume(STEP * board.astype(np.float32), image.affine)


def image_of(prediction: Prediction) -> Volume:
    """The predicted scan.

    Raises
    ------
    past_core.errors.DataError
        If there is none.
    """
    if prediction.image is None:
        raise DataError(
            f"edges needs the image of case {prediction.case_id}, and there is none. Set edges = 0."
        )
    return load_volume(prediction.image)


def _depths(
    classes: npt.NDArray[np.uint8], count: int, spacing: npt.NDArray[np.float64]
) -> npt.NDArray[np.floating[Any]]:
    """Voxels from each voxel of a structure to its outside, ``(c, i, j, k)``; 0 elsewhere."""
    from scipy import ndimage  # noqa: PLC0415  (half a second that reading settings spares)

    depths = np.zeros((count, *classes.shape), np.float32)
    for value in range(1, count):
        if (mask := classes == value).any():
            depths[value] = ndimage.distance_transform_edt(mask, sampling=spacing)
    return depths


def _smaller(
    predicted: npt.NDArray[np.uint8], depths: npt.NDArray[np.floating[Any]]
) -> npt.NDArray[np.uint8]:
    return np.where(depths.max(axis=0) > DOUBT, predicted, np.uint8(0))


def _larger(
    predicted: npt.NDArray[np.uint8],
    depths: npt.NDArray[np.floating[Any]],
    spacing: npt.NDArray[np.float64],
) -> npt.NDArray[np.uint8]:
    """Structures grow into background alone, and each voxel goes to the first that claims it."""
    from scipy import ndimage  # noqa: PLC0415

    larger = predicted.copy()
    for value in range(1, len(depths)):
        if (mask := predicted == value).any():
            near = ndimage.distance_transform_edt(~mask, sampling=spacing) <= DOUBT
            larger[near & (larger == 0)] = value
    return larger


def _overlap(
    one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8], count: int
) -> npt.NDArray[np.float64]:
    """Voxels in both, in the one, in the other, by class: ``(3, c)``."""
    parts = one[one == other], one, other
    return np.array([np.bincount(part.ravel(), minlength=count) for part in parts], np.float64)
