"""Scans of several channels, which no translation from one contrast to another can take."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from past_core.naming import case_id, stem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["REASON", "channel_problems", "name_of_channel"]

REASON = "but a translation goes from one contrast to another. Keep one contrast a data set."

_CHANNEL = re.compile(r"(.+)_(\d{4})")
"""nnU-Net's name of one channel of a scan."""


def name_of_channel(image: Path) -> str:
    """An id of a file's name, without the ``_0000`` of a scan's first channel."""
    name = stem(image.name)
    match = _CHANNEL.fullmatch(name)
    return case_id(match[1] if match and match[2] == "0000" else name)


def channel_problems(images: Sequence[Path]) -> list[str]:
    """A problem for every scan of several channels, by nnU-Net's names."""
    found = [match for image in images if (match := _CHANNEL.fullmatch(stem(image.name)))]
    count = Counter(match[1] for match in found)
    return [
        f"{images[0].parent}: {name} has {n} channels ({name}_0000, ...), {REASON}"
        for name, n in count.items()
        if n > 1
    ]
