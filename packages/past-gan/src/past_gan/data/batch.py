"""What one training step is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Batch"]


@dataclass(frozen=True)
class Batch:
    """Unpaired patches, and where in the training they are used."""

    source: Tensor
    """``(n, channels, side, side)``, float32 in [-1, 1]."""
    target: Tensor
    """The same shape."""
    labels: Tensor | None
    """Of the source patches, ``(n, side, side)``, int64: 0 is background, structures
    count from 1. None if they are not asked for."""
    step: int
    """Steps done before this one."""
    rate: float
    """The schedule's part of the configured learning rates, in [0, 1]."""
