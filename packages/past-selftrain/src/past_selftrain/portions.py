"""Portions: how many of a number one is, and how it rises over the rounds."""

from __future__ import annotations

import math

__all__ = ["count_of", "risen"]


def count_of(portion: float, number: int) -> int:
    """ceil(portion * number), despite binary fractions: 0.55 of 100 are 55, not 56."""
    return math.ceil(round(portion * number, 6))


def risen(first: float, step: float, most: float, round_number: int) -> float:
    """A portion in a round, counted from 1: ``first``, and a step more in each, up to ``most``."""
    return min(most, first + (round_number - 1) * step)
