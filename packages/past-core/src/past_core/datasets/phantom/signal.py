"""From tissues to an MR image: signal equations, coil shading, and noise.

Times are in milliseconds, concentrations in mmol/l, relaxation at about 1.5 T. The
values are round numbers within the ranges that reviews of relaxometry give.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from past_core.datasets.phantom.anatomy import Tissue
from past_core.datasets.phantom.shapes import smooth_field

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

__all__ = ["SEQUENCES", "Relaxation", "acquire"]


@dataclass(frozen=True)
class Relaxation:
    """What a tissue contributes to the signal."""

    density: float
    """Proton density, water 1."""
    t1: float
    t2: float
    gadolinium: float = 0.0
    """Concentration after contrast agent."""

    @property
    def enhanced_t1(self) -> float:
        """T1 with contrast agent: rates add, 4.5 per second and mmol/l."""
        return 1 / (1 / self.t1 + 4.5e-3 * self.gadolinium)


TISSUES = {
    Tissue.AIR: Relaxation(0.0, 1000, 1),
    Tissue.FAT: Relaxation(0.9, 300, 85, gadolinium=0.05),
    Tissue.MUSCLE: Relaxation(0.8, 1000, 45, gadolinium=0.05),
    Tissue.BONE: Relaxation(0.1, 500, 1),
    Tissue.MARROW: Relaxation(0.6, 450, 60),
    Tissue.CSF: Relaxation(1.0, 4000, 2000),
    Tissue.GREY: Relaxation(0.82, 1150, 95),
    Tissue.WHITE: Relaxation(0.7, 750, 75),
    Tissue.BRAINSTEM: Relaxation(0.74, 850, 82),
    Tissue.NERVE: Relaxation(0.72, 850, 80),
    Tissue.VESSEL: Relaxation(0.9, 1500, 220, gadolinium=0.6),
    Tissue.MUCOSA: Relaxation(0.85, 1100, 110, gadolinium=0.35),
    Tissue.LABYRINTH: Relaxation(0.97, 3600, 1500),
    Tissue.COCHLEA: Relaxation(0.97, 3600, 1500),
    Tissue.MODIOLUS: Relaxation(0.5, 1500, 300),
    Tissue.TUMOUR: Relaxation(0.88, 1300, 170, gadolinium=0.6),
    Tissue.TUMOUR_CORE: Relaxation(0.92, 1700, 260, gadolinium=0.25),
}


def spoiled_gradient_echo(tissue: Relaxation, tr: float, te: float, flip: float) -> float:
    """Steady state of a spoiled gradient echo after contrast agent; ``flip`` in degrees."""
    e1 = np.exp(-tr / tissue.enhanced_t1)
    a = np.deg2rad(flip)
    steady = np.sin(a) * (1 - e1) / (1 - np.cos(a) * e1)
    return float(tissue.density * steady * np.exp(-te / tissue.t2))


def balanced_steady_state(tissue: Relaxation, tr: float, flip: float) -> float:
    """On-resonance signal of a balanced steady-state sequence at TE = TR / 2."""
    e1, e2 = np.exp(-tr / tissue.t1), np.exp(-tr / tissue.t2)
    a = np.deg2rad(flip)
    steady = np.sin(a) * (1 - e1) / (1 - (e1 - e2) * np.cos(a) - e1 * e2)
    return float(tissue.density * steady * np.exp(-tr / 2 / tissue.t2))


def spin_echo(tissue: Relaxation, tr: float, te: float) -> float:
    """Signal of a spin echo of a tissue at rest."""
    saturation = 1 - np.exp(-tr / tissue.t1)
    return float(tissue.density * saturation * np.exp(-te / tissue.t2))


def _contrast_t1(tissue: Tissue) -> float:
    return spoiled_gradient_echo(TISSUES[tissue], tr=20, te=4, flip=22)


def _protocol_448(tissue: Tissue) -> float:
    return balanced_steady_state(TISSUES[tissue], tr=6, flip=50)


def _protocol_384(tissue: Tissue) -> float:
    if tissue is Tissue.VESSEL:
        return 0.0  # Blood leaves the slice between the two pulses.
    return spin_echo(TISSUES[tissue], tr=4000, te=190)


SEQUENCES: dict[str, Callable[[Tissue], float]] = {
    "ceT1": _contrast_t1,
    "448": _protocol_448,
    "384": _protocol_384,
}
"""Signal of a tissue by contrast: ceT1, and the two protocols of hrT2."""


def acquire(
    tissue: npt.NDArray[np.uint8],
    factor: int,
    sequence: str,
    *,
    noise: float,
    shading: float,
    rng: np.random.Generator,
) -> npt.NDArray[np.int16]:
    """Image a volume of tissues.

    Parameters
    ----------
    tissue
        ``Tissue`` values, ``factor`` times finer than the image along each axis: the
        signals within a voxel are averaged, which is the partial-volume effect.
    factor
        See ``tissue``.
    sequence
        A key of ``SEQUENCES``.
    noise
        Standard deviation of the noise in each of the two channels, as a portion of the
        brightest labelled tissue's or fluid's signal.
    shading
        Standard deviation of the logarithm of the smooth multiplicative field.
    rng
        Draws texture, shading, gain and noise.

    Returns
    -------
    ndarray
        int16 magnitude image, the reference signal at about 600.
    """
    signals = {one: SEQUENCES[sequence](one) for one in Tissue}
    reference = max(signals[Tissue.TUMOUR], signals[Tissue.CSF])
    table = np.array([signals[one] / reference for one in Tissue], np.float32)
    image = block_mean(table[tissue], factor)
    # Perfusion, fibres, cells: what is below the resolution still varies in space.
    texture = ndimage.gaussian_filter(rng.standard_normal(image.shape, np.float32), (1.2, 1.2, 0.8))
    image *= 1 + np.float32(0.07) * texture / texture.std()
    axes = [np.arange(n, dtype=np.float64) for n in image.shape]
    image *= np.exp(np.float32(shading) * smooth_field(axes, (3, 3, 2), rng, decay=1.0))
    channels = np.float32(noise) * rng.standard_normal((2, *image.shape), np.float32)
    magnitude = np.hypot(image + channels[0], channels[1])
    gain = 600 * float(np.exp(rng.normal(0, 0.12)))
    voxels: npt.NDArray[np.int16] = np.rint(np.clip(gain * magnitude, 0, 32767)).astype(np.int16)
    return voxels


def block_mean(fine: npt.NDArray[np.float32], factor: int) -> npt.NDArray[np.float32]:
    """Mean over blocks of ``factor`` points along each axis."""
    i, j, k = (n // factor for n in fine.shape)
    # One axis at a time: the last first, since its points are neighbours in memory.
    mean = fine.reshape(i * factor, j * factor, k, factor).mean(axis=3)
    mean = mean.reshape(i * factor, j, factor, k).mean(axis=2)
    averaged: npt.NDArray[np.float32] = mean.reshape(i, factor, j, k).mean(axis=1)
    return averaged
