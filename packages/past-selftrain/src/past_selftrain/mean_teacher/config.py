"""Settings of the mean teacher; importing this imports no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from past_core.config import PluginConfig

__all__ = ["MeanTeacherConfig"]


class MeanTeacherConfig(PluginConfig):
    """How the teacher follows, and how much its labels count."""

    decay: float = Field(default=0.99, ge=0, lt=1)
    """Of the running mean: the teacher's weights are those of about 1 / (1 - decay) iterations.
    A student that starts from random weights is followed faster at first."""
    weight: float = Field(default=1.0, gt=0)
    """Of the loss on target patches, beside 1 of that on labelled ones."""
    ramp: float = Field(default=0.1, ge=0, le=1)
    """Portion of the training over which that weight rises from 0."""
    confidence: float = Field(default=0.0, ge=0, lt=1)
    """Voxels of which the teacher is less sure do not count."""
    weighted: bool = True
    """Let voxels count by how sure the teacher is: (p - 1/C) / (1 - 1/C), of C classes."""
    masked: float = Field(default=0.0, ge=0, lt=1)
    """Portion of the student's patch that is hidden (MIC: 0.7)."""
    block: int = Field(default=8, ge=1)
    """Side of a hidden block in voxels; along short axes, no more than half of the patch."""
    looks: float = Field(default=0.5, ge=0, le=1)
    """Share of the student's patches whose contrast is random, beside a segmenter's usual
    augmentation."""
    keep: Literal["teacher", "student"] = "teacher"
    """Whose weights the training results in."""
