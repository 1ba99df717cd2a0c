"""One scan of one subject: where its files are and how it was acquired."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from past_core.headers import read_header
from past_core.volume import Volume, load_volume

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Case", "Domain"]


class Domain(StrEnum):
    """The contrast a scan belongs to."""

    SOURCE = "source"
    TARGET = "target"


@dataclass(frozen=True)
class Case:
    """A scan on disk; voxels are read when asked for, and not kept."""

    id: str
    """Unique within its data set; names the files that PAST writes for it."""
    domain: Domain
    image: Path
    label: Path | None = None
    protocol: str | None = None
    """Acquisition protocol or centre, where the data set knows it (crossMoDA: 448 or 384)."""
    weight: float = 1.0
    """How often a training draws it, relative to the other scans that it is handed."""
    voxel_weights: Path | None = None
    """How much each voxel of the label counts in a training's loss, 0 to 1, on the image's grid;
    None: all alike."""
    segmentation: str = ""
    """What its data set calls the file of a segmentation of it; see ``segmentation_name``."""

    @property
    def segmentation_name(self) -> str:
        """Name of the file of its segmentation: by default that of its image."""
        return self.segmentation or self.image.name

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel size in mm along each array axis, from the image's header."""
        return read_header(self.image).spacing

    def load_image(self) -> Volume:
        """Read the image as float32, in its own orientation."""
        return load_volume(self.image)

    def load_label(self) -> Volume:
        """Read the label as uint8.

        Raises
        ------
        ValueError
            If the case has no label: asking for one is a defect of the caller.
        """
        if self.label is None:
            raise ValueError(f"case {self.id} has no label")
        return load_volume(self.label, np.uint8)

    def load_voxel_weights(self) -> Volume | None:
        """Read how much each voxel counts as float32; None if all count alike."""
        return None if self.voxel_weights is None else load_volume(self.voxel_weights)
