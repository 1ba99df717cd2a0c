"""A head around the inner ears: which tissue lies where, in one random subject.

Coordinates are millimetres in RAS+ (x right, y anterior, z superior) with the origin
between the internal auditory canals. Inner-ear structures are about twice their real
size, so that a cochlea spans tens of voxels at a quarter of crossMoDA's matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from past_core.datasets.phantom.shapes import Grid, smooth_field

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["COCHLEA", "TUMOUR", "Subject", "Tissue", "fill"]


class Tissue(IntEnum):
    """What a point of space consists of."""

    AIR = 0
    FAT = 1
    MUSCLE = 2
    BONE = 3
    MARROW = 4
    CSF = 5
    GREY = 6
    WHITE = 7
    BRAINSTEM = 8
    NERVE = 9
    VESSEL = 10
    MUCOSA = 11
    LABYRINTH = 12
    COCHLEA = 13
    MODIOLUS = 14
    TUMOUR = 15
    TUMOUR_CORE = 16


TUMOUR = (Tissue.TUMOUR, Tissue.TUMOUR_CORE)
"""Tissues that are labelled vestibular schwannoma."""
BRAIN = (Tissue.GREY, Tissue.WHITE, Tissue.BRAINSTEM)
"""Tissues that a tumour in the cistern displaces."""
COCHLEA = (Tissue.COCHLEA, Tissue.MODIOLUS)
"""Tissues that are labelled cochlea."""


@dataclass(frozen=True)
class Subject:
    """One head: all that differs from subject to subject, drawn once."""

    head: tuple[float, float]
    """Half width and half length of the head in mm."""
    shift: tuple[float, float, float]
    """Where the head's origin lies in the scanner, in mm."""
    angles: tuple[float, float, float]
    """Rotations of the head about x, y and z, in radians."""
    tumour_side: int
    """+1 right, -1 left."""
    tumour_radius: float
    """Of the part in the cistern, in mm."""
    tumour_reach: float
    """Portion of the internal auditory canal that the tumour fills, 0 to 1."""
    tumour_offset: tuple[float, float, float]
    """Of the cisternal part from the canal's opening, in mm; x is medial."""
    cochlea_radius: float
    """Of the basal turn, in mm."""
    canal_radius: float
    """Of the internal auditory canals, in mm."""
    seed: int
    """Of the deformation and of the pattern of grey and white matter."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Subject:
        """Draw a subject; every size and position varies smoothly about its mean."""
        radius = float(rng.uniform(5.5, 10.5))
        return cls(
            head=(float(rng.normal(73, 2.5)), float(rng.normal(91, 3))),
            shift=_triple(rng.uniform(-4, 4, 3)),
            angles=_triple(np.deg2rad(rng.uniform(-6, 6, 3))),
            tumour_side=int(rng.choice([-1, 1])),
            tumour_radius=radius,
            tumour_reach=float(rng.uniform(0.4, 0.95)),
            tumour_offset=(
                0.25 * radius + float(rng.uniform(-1, 1)),
                float(rng.uniform(-3, 0)),
                float(rng.uniform(-1.5, 1.5)),
            ),
            cochlea_radius=float(rng.uniform(5.4, 6.3)),
            canal_radius=float(rng.uniform(2.8, 3.6)),
            seed=int(rng.integers(2**31)),
        )


def fill(subject: Subject, axes: tuple[npt.NDArray[np.float64], ...]) -> npt.NDArray[np.uint8]:
    """Give every point of a grid its tissue.

    Parameters
    ----------
    subject
        Whose head it is.
    axes
        Positions in mm of the points along x, y and z.

    Returns
    -------
    ndarray
        ``Tissue`` values, one a point.
    """
    rng = np.random.default_rng(subject.seed)
    grid = Grid(axes, subject.shift, subject.angles, rng)
    level = _head(grid, subject, rng)
    _face(grid)
    _posterior_fossa(grid)
    for side in (-1, 1):
        _temporal_bone(grid, subject, side)
    _vessels(grid)
    _tumour(grid, subject, rng)
    # Nothing deeper reaches through the scalp.
    for limit, tissue in ((0.925, Tissue.MUSCLE), (0.955, Tissue.FAT), (1.0, Tissue.AIR)):
        grid.tissue[level >= limit] = tissue
    return grid.tissue


PORUS = (13.0, -6.0, 0.0)
"""Where the internal auditory canal opens into the cistern, on the right; mm."""
FUNDUS = (24.0, -6.5, 0.5)
"""The canal's lateral end."""
COCHLEA_BASE = (27.0, -0.5, 0.0)
"""Centre of the basal turn, towards the fundus."""
COCHLEA_APEX = (32.5, 6.5, -0.5)
"""Tip of the snail, anterior and lateral of its base."""


def _head(grid: Grid, subject: Subject, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Skull and brain; gives the level field of the head's shells: 1 is the skin."""
    width, length = subject.head
    level = grid.ellipsoid((0, -2, 20), (width, length, 115))
    shells = [
        (0.925, Tissue.BONE),
        (0.905, Tissue.MARROW),
        (0.875, Tissue.BONE),
        (0.855, Tissue.CSF),
        (0.825, Tissue.GREY),
    ]
    for limit, tissue in shells:
        grid.tissue[level < limit] = tissue
    folds = smooth_field(grid.axes, (28, 28, 10), rng, decay=0.5)
    grid.tissue[(level < 0.79) & (folds > -0.1)] = Tissue.WHITE
    return level


def _face(grid: Grid) -> None:
    """In front of the skull base: mostly outside the region of interest."""
    grid.paint_ellipsoid(Tissue.MUSCLE, (0, 62, -26), (44, 32, 30))
    grid.paint_ellipsoid(Tissue.MUCOSA, (0, 56, -20), (15, 26, 22))
    grid.paint_ellipsoid(Tissue.AIR, (0, 58, -20), (11, 22, 17))
    for side in (-1, 1):
        grid.paint_ellipsoid(Tissue.FAT, (side * 31, 54, 6), (17, 19, 15))
        grid.paint_ellipsoid(Tissue.LABYRINTH, (side * 31, 59, 6), (10.5, 10.5, 10.5))


def _posterior_fossa(grid: Grid) -> None:
    """Clivus, cisterns, brainstem and fourth ventricle."""
    grid.paint_ellipsoid(Tissue.CSF, (0, 6, 0), (20, 14, 34))
    grid.paint_ellipsoid(Tissue.BONE, (0, 25, -12), (16, 9, 26))
    grid.paint_ellipsoid(Tissue.MARROW, (0, 25, -12), (12, 6, 23))
    for side in (-1, 1):
        grid.paint_ellipsoid(Tissue.CSF, (side * 15, -7, 0), (10, 8.5, 13))
    grid.paint_ellipsoid(Tissue.BRAINSTEM, (0, -1, 2), (14, 12.5, 60))
    for side in (-1, 1):
        # Middle cerebellar peduncles join pons and cerebellum.
        grid.paint_tube(Tissue.BRAINSTEM, (side * 8, -6, 2), (side * 20, -24, 2), (6, 8))
    grid.paint_ellipsoid(Tissue.CSF, (0, -20, 0), (8, 5.5, 13))


def _temporal_bone(grid: Grid, subject: Subject, side: int) -> None:
    """Petrous pyramid with canal, cochlea and labyrinth, on one side."""

    def place(point: tuple[float, float, float]) -> tuple[float, float, float]:
        return (side * point[0], point[1], point[2])

    canal = subject.canal_radius
    grid.paint_tube(Tissue.BONE, place((15, 13, 0)), place((60, -14, 0)), (8, 20))
    grid.paint_ellipsoid(Tissue.AIR, place((56, -16, -4)), (8, 9, 10))
    grid.paint_tube(Tissue.MARROW, place((17, 15, 0)), place((20, 13, 0)), (3.5, 3.5))
    grid.paint_tube(Tissue.CSF, place(PORUS), place(FUNDUS), (canal * 1.15, canal))
    # The cochlear and vestibular nerves, as one.
    grid.paint_tube(Tissue.NERVE, place((10, -6, 0)), place(FUNDUS), (1.2, 0.9))
    grid.paint_ellipsoid(Tissue.LABYRINTH, place((35, -9.5, 1)), (2.6, 3.4, 3.6))
    grid.paint_snail(
        (Tissue.COCHLEA, Tissue.MODIOLUS),
        place(COCHLEA_BASE),
        place(COCHLEA_APEX),
        subject.cochlea_radius,
        side,
    )


def _vessels(grid: Grid) -> None:
    grid.paint_tube(Tissue.VESSEL, (1, 14, -40), (-1, 14, 40), (2.0, 1.7))
    for side in (-1, 1):
        grid.paint_tube(Tissue.VESSEL, (side * 25, 18, -40), (side * 22, 20, 2), (3.0, 2.8))
        grid.paint_tube(Tissue.VESSEL, (side * 22, 20, 2), (side * 9, 30, 12), (2.8, 2.5))
        # Sigmoid sinus, behind the mastoid.
        grid.paint_tube(Tissue.VESSEL, (side * 44, -28, -36), (side * 52, -38, 36), (4.5, 4.5))


def _tumour(grid: Grid, subject: Subject, rng: np.random.Generator) -> None:
    """A ball in the cistern with a stalk in the canal, deformed with all the rest."""
    side, radius = subject.tumour_side, subject.tumour_radius
    medial, dy, dz = subject.tumour_offset
    centre = (side * (PORUS[0] - medial), PORUS[1] + dy, PORUS[2] + dz)
    reach = [p + subject.tumour_reach * (f - p) for p, f in zip(PORUS, FUNDUS, strict=True)]
    tip = (side * reach[0], reach[1], reach[2])
    canal = subject.canal_radius
    # Large tumours widen the canal's mouth.
    mouth = max(canal, min(0.7 * radius, canal + 2))
    grid.paint_tube(Tissue.TUMOUR, (side * PORUS[0], *PORUS[1:]), tip, (mouth, canal * 0.95))
    squeeze = rng.uniform(0.85, 1.15, 2)
    radii = (radius, radius * float(squeeze[0]), radius * float(squeeze[1]))
    # A cleft of fluid parts the tumour from brainstem and cerebellum.
    grid.paint_ellipsoid(
        Tissue.CSF, centre, (radii[0] + 1.8, radii[1] + 1.8, radii[2] + 1.8), BRAIN
    )
    grid.paint_ellipsoid(Tissue.TUMOUR, centre, radii)
    if radius > 7:  # Large tumours outgrow their blood supply.
        x, y, z = (
            c + float(d) for c, d in zip(centre, rng.normal(0, 0.15 * radius, 3), strict=True)
        )
        grid.paint_ellipsoid(Tissue.TUMOUR_CORE, (x, y, z), (0.4 * radius,) * 3)


def _triple(values: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z
