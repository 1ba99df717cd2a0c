"""Simple shapes painted on a smoothly deformed grid of points.

Positions and lengths are in mm. A shape is painted within its bounding box only; the
deformation is what makes every ellipsoid and tube a little different in each subject.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["Grid", "smooth_field"]

Point = tuple[float, float, float]

DEFORMATION = 1.2
"""Standard deviation of the displacement along each axis, in mm."""
MARGIN = 6.0
"""What a bounding box allows for the deformation, in mm: five standard deviations."""


class Grid:
    """Points of space, seen in the subject's own coordinates, and their tissue.

    Parameters
    ----------
    axes
        Positions in mm of the points along the scanner's x, y and z.
    shift, angles
        Of the subject in the scanner: mm, and radians about x, y, z.
    rng
        Draws the deformation.
    """

    def __init__(
        self,
        axes: Sequence[npt.NDArray[np.float64]],
        shift: Point,
        angles: Point,
        rng: np.random.Generator,
    ) -> None:
        self.axes = tuple(axes)
        self.shift = np.asarray(shift)
        self.rotation = _rotation(angles)
        x, y, z = (
            (axis - moved).astype(np.float32).reshape(shape)
            for axis, moved, shape in zip(axes, shift, _COLUMNS, strict=True)
        )
        self.points = []
        """The subject's x, y and z at every point: three float32 arrays."""
        for row in self.rotation.astype(np.float32):
            displacement = np.float32(DEFORMATION) * smooth_field(axes, (9, 9, 5), rng, decay=1.0)
            self.points.append(row[0] * x + row[1] * y + row[2] * z + displacement)
        self.tissue = np.zeros(self.points[0].shape, np.uint8)
        """Tissue of every point; 0 until painted."""

    def ellipsoid(self, centre: Point, radii: Point) -> npt.NDArray[np.float32]:
        """Distance from ``centre`` in units of ``radii`` at every point: 1 is the surface."""
        return _ellipsoid(self.points, centre, radii)

    def paint_ellipsoid(
        self, tissue: int, centre: Point, radii: Point, over: Sequence[int] = ()
    ) -> None:
        """Fill an ellipsoid; with ``over``, only where one of these tissues is."""
        box = self._box([centre], max(radii))
        inside = _ellipsoid([p[box] for p in self.points], centre, radii) < 1
        if over:
            inside &= np.isin(self.tissue[box], over)
        self.tissue[box][inside] = tissue

    def paint_tube(self, tissue: int, start: Point, end: Point, radii: tuple[float, float]) -> None:
        """Fill a round-ended tube whose radius changes evenly from start to end."""
        box = self._box([start, end], max(radii))
        along, squared = _along(self.points, box, start, end)
        length = float(np.linalg.norm(np.subtract(end, start)))
        # Beyond the ends the distance to the end point counts.
        beyond = along - np.clip(along, 0, length)
        radius = radii[0] + (radii[1] - radii[0]) * np.clip(along / length, 0, 1)
        self.tissue[box][squared + beyond**2 < radius**2] = tissue

    def paint_snail(
        self, tissues: tuple[int, int], base: Point, apex: Point, radius: float, side: int
    ) -> None:
        """Fill a cone with two and a half turns on its surface, around a thin core.

        Parameters
        ----------
        tissues
            Of the turns and of the core.
        base, apex
            Ends of the axis.
        radius
            At the base; the apex has 45 % of it.
        side
            +1 or -1: the turns of the two ears run in opposite senses.
        """
        box = self._box([base, apex], radius)
        along, squared = _along(self.points, box, base, apex)
        axis = np.subtract(apex, base)
        length = float(np.linalg.norm(axis))
        height = along / length
        # Angle about the axis; any two directions across it serve as a reference.
        up = np.array([0.0, 0.0, 1.0])
        across = np.cross(axis / length, up)
        across /= np.linalg.norm(across)
        up = np.cross(across, axis / length)
        u, v = (
            sum((p[box] - c) * w for p, c, w in zip(self.points, base, way, strict=True))
            for way in (across, up)
        )
        turn = np.arctan2(v, u) - side * 2 * np.pi * 2.5 * height
        outer = radius * (1 - 0.55 * np.clip(height, 0, 1)) * (1 + 0.12 * np.cos(turn))
        # Rounded ends, flatter than a ball's.
        beyond = np.maximum(np.maximum(-height, height - 1), 0) * length
        inside = squared + (2 * beyond) ** 2 < outer**2
        core = inside & (squared < (0.2 * radius) ** 2) & (height < 0.7)
        self.tissue[box][inside] = tissues[0]
        self.tissue[box][core] = tissues[1]

    def _box(self, points: Sequence[Point], reach: float) -> tuple[slice, ...]:
        """Index ranges that surely hold all within ``reach`` of the points."""
        corners = np.asarray(points) @ self.rotation + self.shift
        low = corners.min(axis=0) - reach - MARGIN
        high = corners.max(axis=0) + reach + MARGIN
        box = []
        for axis, a, b in zip(self.axes, low, high, strict=True):
            (hits,) = np.nonzero((axis >= a) & (axis <= b))
            box.append(slice(int(hits[0]), int(hits[-1]) + 1) if hits.size else slice(0, 0))
        return tuple(box)


_COLUMNS = ((-1, 1, 1), (1, -1, 1), (1, 1, -1))


def smooth_field(
    axes: Sequence[npt.NDArray[np.float64]],
    modes: tuple[int, int, int],
    rng: np.random.Generator,
    decay: float,
) -> npt.NDArray[np.float32]:
    """Random sum of cosine waves, of mean 0 and standard deviation about 1.

    Parameters
    ----------
    axes
        Positions along x, y, z; only their number and order matter, so that one draw
        gives the same field on grids of different spacing.
    modes
        Number of waves along each axis; the highest has that many half periods.
    rng
        Draws the amplitudes.
    decay
        How fast amplitudes fall with the wave number: 0 none.
    """
    waves = [np.arange(count, dtype=np.float64) for count in modes]
    number = np.sqrt(sum(np.meshgrid(*(w**2 for w in waves), indexing="ij")))
    amplitude = rng.standard_normal(number.shape) / (1 + number) ** decay
    amplitude[0, 0, 0] = 0
    # Cosines have a mean square of a half along each axis where they vary.
    varying = sum(np.meshgrid(*((w > 0).astype(float) for w in waves), indexing="ij"))
    amplitude /= np.sqrt((amplitude**2 / 2.0**varying).sum())
    field = amplitude.astype(np.float32)
    for axis, wave in zip(axes, waves, strict=True):
        phase = (np.arange(axis.size) + 0.5) / axis.size
        if axis[0] > axis[-1]:
            phase = 1 - phase
        basis = np.cos(np.pi * np.outer(wave, phase)).astype(np.float32)
        # Contract the first remaining wave axis; the new spatial axis goes last.
        field = np.tensordot(field, basis, axes=(0, 0))
    return np.ascontiguousarray(field)


def _ellipsoid(
    points: Sequence[npt.NDArray[np.float32]], centre: Point, radii: Point
) -> npt.NDArray[np.float32]:
    x, y, z = (
        ((p - np.float32(c)) / np.float32(r)) ** 2
        for p, c, r in zip(points, centre, radii, strict=True)
    )
    level: npt.NDArray[np.float32] = np.sqrt(x + y + z)
    return level


def _along(
    points: Sequence[npt.NDArray[np.float32]], box: tuple[slice, ...], start: Point, end: Point
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Length along the line from start to end, and squared distance from that line."""
    way = np.subtract(end, start) / np.linalg.norm(np.subtract(end, start))
    offsets = [p[box] - np.float32(c) for p, c in zip(points, start, strict=True)]
    along = sum(o * np.float32(w) for o, w in zip(offsets, way, strict=True))
    squared = sum(o**2 for o in offsets) - along**2
    return np.asarray(along), np.asarray(squared)


def _rotation(angles: Point) -> npt.NDArray[np.float64]:
    """Scanner to subject: rotations about x, then y, then z."""
    turned = np.eye(3)
    for axis, angle in enumerate(angles):
        a, b = (axis + 1) % 3, (axis + 2) % 3
        one = np.eye(3)
        one[a, a] = one[b, b] = np.cos(angle)
        one[a, b], one[b, a] = -np.sin(angle), np.sin(angle)
        turned = one @ turned
    return turned
