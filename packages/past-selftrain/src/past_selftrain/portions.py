"""How many of a number a portion is."""

from __future__ import annotations

import math

__all__ = ["count_of"]


def count_of(portion: float, number: int) -> int:
    """ceil(portion * number), despite binary fractions: 0.55 of 100 are 55, not 56."""
    return math.ceil(round(portion * number, 6))
