"""Predictions of scans, as a stage left them or by a model that is applied now."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from past_core.interfaces import Segmenter
from past_core.pipeline.layout import label_path, probability_path
from past_core.volume import Volume, load_volume

__all__ = ["Applied", "Kept", "Left"]


@dataclass(frozen=True)
class Left:
    """What a predicting stage left of a scan."""

    folder: Path
    case_id: str

    def classes(self) -> npt.NDArray[np.uint8]:
        """Likeliest classes ``(i, j, k)``."""
        return np.asarray(self.volume.data)

    def probabilities(self) -> npt.NDArray[np.float32]:
        """Class probabilities ``(c, i, j, k)``."""
        return np.asarray(np.load(probability_path(self.folder, self.case_id)), np.float32)

    @cached_property
    def volume(self) -> Volume:
        """The classes with their place."""
        return load_volume(label_path(self.folder, self.case_id), np.uint8)


class Kept:
    """What is kept of probabilities ``(c, i, j, k)``: rounded, and the classes from before that."""

    def __init__(self, probabilities: npt.NDArray[np.floating]) -> None:
        self._classes: npt.NDArray[np.uint8] = probabilities.argmax(axis=0).astype(np.uint8)
        self.rounded = probabilities.astype(np.float16)

    def classes(self) -> npt.NDArray[np.uint8]:
        """Likeliest classes ``(i, j, k)``."""
        return self._classes

    def probabilities(self) -> npt.NDArray[np.float32]:
        """Class probabilities ``(c, i, j, k)``."""
        return self.rounded.astype(np.float32)


@dataclass(frozen=True)
class Applied:
    """What a segmenter makes of an image, computed when first asked for."""

    segmenter: Segmenter
    image: Volume

    def classes(self) -> npt.NDArray[np.uint8]:
        """Likeliest classes ``(i, j, k)``."""
        return np.asarray(self._found.argmax(axis=0), np.uint8)

    def probabilities(self) -> npt.NDArray[np.float32]:
        """Class probabilities ``(c, i, j, k)``."""
        return self._found

    @cached_property
    def _found(self) -> npt.NDArray[np.float32]:
        return np.asarray(self.segmenter.predict(self.image), np.float32)
