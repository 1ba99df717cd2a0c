"""Settings of the metrics; imports no torch, which would cost a repeated run seconds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from past_core.config import PluginConfig

__all__ = ["ASSDConfig", "DiceConfig"]


class DiceConfig(PluginConfig):
    """Dice has no settings."""


class ASSDConfig(PluginConfig):
    """Which average, and what an empty mask costs."""

    form: Literal["pooled", "directed"] = "pooled"
    """``pooled``: the mean over the surface voxels of both masks together (MONAI; medpy
    from 0.5). ``directed``: the mean of the two one-way means (medpy up to 0.4, with
    which crossMoDA 2021 was scored)."""
    empty: Literal["diagonal", "nan"] | Annotated[float, Field(ge=0)] = "diagonal"
    """Value in mm where just one of the masks is empty: the image's diagonal, ``nan``
    (left out of means), or a number (crossMoDA: 350)."""
