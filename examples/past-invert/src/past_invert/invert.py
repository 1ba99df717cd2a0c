"""The translator itself."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import Field

from past_core.case import Case
from past_core.config import PluginConfig
from past_core.errors import DataError
from past_core.interfaces import Context, Translator
from past_core.labels import Labels
from past_core.volume import Volume


class InvertConfig(PluginConfig):
    """Settings: ``--set translator.floor=20``."""

    floor: float = Field(default=10.0, ge=0, lt=255)
    """Intensities up to this are air and stay as they are."""


class Invert(Translator):
    """Maps x to 255 - x above the floor."""

    config: InvertConfig

    def fit(
        self, source: Sequence[Case], target: Sequence[Case], labels: Labels, context: Context
    ) -> None:
        """Nothing is learnt."""
        context.progress(1, 1)

    def translate(self, volume: Volume) -> Volume:
        """Invert the body, leave the air."""
        body = volume.data > self.config.floor
        inverted = np.where(body, 255 - volume.data, volume.data)
        return Volume(inverted.astype(np.float32), volume.affine)

    def save(self, folder: Path) -> None:
        """Write the settings."""
        (folder / "invert.json").write_text(self.config.model_dump_json())

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> Self:
        """Read the settings back."""
        path = folder / "invert.json"
        try:
            return cls(InvertConfig(**json.loads(path.read_text())))
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"{path}: not a saved 'invert' translator ({error}).") from error
