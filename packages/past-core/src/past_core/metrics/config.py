"""Settings of the metrics."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from past_core.config import PluginConfig

__all__ = [
    "ASSDConfig",
    "DiceConfig",
    "HausdorffConfig",
    "LesionConfig",
    "SurfaceDiceConfig",
    "VolumeErrorConfig",
]

Empty = Literal["diagonal", "nan"] | Annotated[float, Field(ge=0)]
SpacingOf = Literal["affine", "diagonal"]


class DiceConfig(PluginConfig):
    """What two empty masks are worth."""

    empty: float = Field(1.0, ge=0, le=1)
    """Value where both masks are empty: 1, the structure is rightly absent (medpy from 0.5), or 0
    (medpy up to 0.4, with which crossMoDA 2021 was scored)."""


class ASSDConfig(PluginConfig):
    """Which average, and what an empty mask costs."""

    form: Literal["pooled", "directed"] = "pooled"
    """``pooled``: the mean over the surface voxels of both masks together (MONAI; medpy
    from 0.5). ``directed``: the mean of the two one-way means (medpy up to 0.4, with
    which crossMoDA 2021 was scored)."""
    empty: Empty = "diagonal"
    """Value in mm where just one of the masks is empty: the image's diagonal, ``nan``
    (left out of means), or a number (crossMoDA: 350)."""
    spacing: SpacingOf = "affine"
    """Voxel size by the lengths of the affine's columns, or by the values on its diagonal, as the
    organisers of crossMoDA take it: wrong in scans that lie oblique."""


class HausdorffConfig(PluginConfig):
    """Which portion of the surfaces, and what an empty mask costs."""

    percentile: float = Field(95.0, gt=0, le=100)
    """Of the distances both ways together, in per cent; 100 is the Hausdorff distance itself."""
    empty: Empty = "diagonal"
    """As ``assd`` has it."""


class SurfaceDiceConfig(PluginConfig):
    """How far off a surface may be."""

    tolerance: float = Field(1.0, ge=0)
    """In mm: what two people who draw the structure differ by."""
    tolerances: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """The same by structure, for those that have another."""


class VolumeErrorConfig(PluginConfig):
    """In which unit."""

    form: Literal["absolute", "relative", "signed"] = "absolute"
    """``absolute``: millilitres too many or too few. ``relative``: that as a portion of the
    reference (undefined where it is empty). ``signed``: millilitres, below 0 where too little is
    segmented; errors of several scans cancel in its mean."""


class LesionConfig(PluginConfig):
    """What a piece is, and when it is found."""

    overlap: float = Field(0.0, ge=0, lt=1)
    """Portion of a piece's voxels that must be segmented, more than this, for it to be found."""
    smallest: float = Field(0.0, ge=0)
    """Pieces of fewer mm³ are left out, in both masks."""
