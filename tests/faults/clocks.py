"""Clocks that jump."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DAY = 86400.0
TIMES = (0.0, 1.0, 86400.0 * 366, 4102444800.0, 7258118400.0)
"""From 1970 to 2200."""


@dataclass(frozen=True)
class Jumping:
    """Each look at the clock of the day is at another day; the one that measures goes on."""

    seed: int

    def __call__(self) -> None:
        drawn, now = random.Random(self.seed), time.time

        def jump() -> float:
            return drawn.choice((now() - DAY, now() + DAY, now() + 365 * DAY, *TIMES))

        replace: dict[str, Callable[[], float]] = {
            "time": jump,
            "time_ns": lambda: int(jump() * 1e9),
        }
        for name, clock in replace.items():
            setattr(time, name, clock)


def set_times(folder: Path, seconds: float, jitter: random.Random | None = None) -> None:
    """Give all files of a folder one time, or times about it."""
    for path in folder.rglob("*"):
        about = seconds if jitter is None else seconds + jitter.uniform(-3 * DAY, 3 * DAY)
        os.utime(path, (about, about))
