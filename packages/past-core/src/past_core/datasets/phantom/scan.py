"""Scans of the digital head: anatomy, signal, and the label that belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from past_core.datasets.phantom.anatomy import COCHLEA, TUMOUR, Subject, fill
from past_core.datasets.phantom.signal import acquire, block_mean
from past_core.volume import Volume

if TYPE_CHECKING:
    import numpy.typing as npt

    from past_core.datasets.phantom.config import PhantomConfig

__all__ = ["scan"]

FIELD_OF_VIEW = 210.0
"""In-plane, in mm, as in crossMoDA."""
COVERAGE = 60.0
"""Along the slice axis, in mm."""


def scan(config: PhantomConfig, number: int, sequence: str) -> tuple[Volume, Volume]:
    """One subject's image (int16) and label (uint8), as LPS arrays.

    Parameters
    ----------
    config
        Of the phantom.
    number
        The case's number; with the seed it determines subject and scan.
    sequence
        "ceT1", "448" or "384".
    """
    rng = np.random.default_rng([config.seed, number])
    subject = Subject.draw(rng)
    matrix = config.matrix_of(sequence)
    shape = (matrix, matrix, config.slices)
    spacing = (FIELD_OF_VIEW / matrix, FIELD_OF_VIEW / matrix, COVERAGE / config.slices)
    # Array axes run to the left, to the back and upwards.
    affine = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    fine = [
        affine[axis, axis] * ((np.arange(2 * n) - 0.5) / 2) + affine[axis, 3]
        for axis, n in enumerate(shape)
    ]
    tissue = fill(subject, tuple(fine))
    image = acquire(tissue, 2, sequence, noise=config.noise, shading=config.shading, rng=rng)
    return Volume(image, affine), Volume(_label(tissue), affine)


def _label(tissue: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A voxel belongs to a structure that fills at least half of it."""
    portions = [
        block_mean(np.isin(tissue, tissues).astype(np.float32), 2) for tissues in (TUMOUR, COCHLEA)
    ]
    label = np.zeros(portions[0].shape, np.uint8)
    for value, portion in enumerate(portions, start=1):
        label[portion >= 0.5] = value
    return label
