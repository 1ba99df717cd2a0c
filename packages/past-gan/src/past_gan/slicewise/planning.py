"""What of cached scans decides the sizes of a training, and the record of what was decided."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from past_core.files import write_json
from past_gan.sizes import Slices

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from past_gan.config import SliceGANConfig
    from past_gan.data.cache import Stack

__all__ = ["described", "measure_slices", "write_plan"]

SIZES = ("crop", "batch_size", "downsampling", "heads", "stages")
"""Settings that may be planned."""


def measure_slices(source: Sequence[Stack], target: Sequence[Stack], structures: int) -> Slices:
    """Measure cached scans; the values 1 to ``structures`` of the source's labels count."""
    stacks = [*source, *target]
    height, width = np.median([stack.images.shape[1:] for stack in stacks], axis=0)
    spacing = np.median([stack.spacing[1:] for stack in stacks], axis=0)
    widths = [_diameter(source, value) for value in range(1, structures + 1)]
    known = [width for width in widths if width is not None]
    return Slices(
        height=float(height),
        width=float(width),
        spacing=(float(spacing[0]), float(spacing[1])),
        count=sum(len(stack.images) for stack in stacks),
        structure=min(known, default=None),
    )


def described(config: SliceGANConfig, slices: Slices) -> str:
    """Planned sizes in a sentence."""
    sizes = config.sizes
    said = (
        f"patches of {sizes.crop} pixels, {sizes.batch_size} a step, of slices of "
        f"{slices.height:g} x {slices.width:g}; features at 1/{2**sizes.downsampling}"
    )
    if slices.structure is None:
        return said
    return f"{said} (the narrowest structure is {slices.structure:.0f} pixels wide)"


def write_plan(record: Path, config: SliceGANConfig, slices: Slices) -> None:
    """Write ``plan.json`` into a translator's record."""
    said, values = described(config, slices), config.model_dump(mode="json")
    chosen = {key: values[key] for key in SIZES if key in values}
    write_json(record / "plan.json", {"said": said, "settings": chosen, "slices": asdict(slices)})


def _diameter(stacks: Sequence[Stack], value: int) -> float | None:
    """Of a disc of the structure's median area in the slices that show it, in pixels."""
    areas = [
        int(area)
        for stack in stacks
        if stack.labels is not None
        for area in (stack.labels == value).sum((1, 2))
        if area
    ]
    return 2 * math.sqrt(float(np.median(areas)) / math.pi) if areas else None
