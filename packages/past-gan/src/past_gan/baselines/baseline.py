"""What the baselines share: statistics of the target, measured once, saved as tensors."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from past_core.interfaces import Translator
from past_core.volume import Volume
from past_gan.training import checkpoint
from past_gan.training.snapshots import FILE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt
    from torch import Tensor

    from past_core.case import Case
    from past_core.config import PluginConfig
    from past_core.interfaces import Context
    from past_core.labels import Labels

__all__ = ["Baseline"]


class Baseline(Translator):
    """A translator given by a few statistics of the target scans."""

    kind: ClassVar[str]
    """Name of the plugin, written into saved files."""
    config_class: ClassVar[type[PluginConfig]]

    def __init__(self, config: PluginConfig) -> None:
        super().__init__(config)
        self._statistics: dict[str, Tensor] | None = None

    @abstractmethod
    def statistics(self, target: Sequence[Case], context: Context) -> dict[str, Tensor]:
        """Statistics of the target's scans, by name."""

    @abstractmethod
    def apply(self, volume: Volume, statistics: dict[str, Tensor]) -> npt.NDArray[np.floating]:
        """Translate ``(i, j, k)`` in [0, 255]; values beyond are clipped afterwards."""

    def fit(
        self,
        source: Sequence[Case],  # noqa: ARG002  (the interface's; the target says it all)
        target: Sequence[Case],
        labels: Labels,  # noqa: ARG002
        context: Context,
    ) -> None:
        """Measure the target; source scans are not read."""
        self._statistics = self.statistics(target, context)

    def translate(self, volume: Volume) -> Volume:
        """Translate one source volume; see ``Translator.translate``."""
        data = self.apply(volume, self._fitted())
        return Volume(np.clip(data, 0, 255).astype(np.float32), volume.affine)

    def save(self, folder: Path) -> None:
        """Write the statistics and the settings as one file."""
        facts = {"kind": self.kind, "config": self.config.model_dump(mode="json")}
        checkpoint.write(folder / FILE, self._fitted(), facts)

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> Self:  # noqa: ARG003  (no network runs)
        """Read back what ``save`` wrote; runs no code from the file."""
        path = folder / FILE
        tensors, facts = checkpoint.read(path, cls.kind)
        translator = cls(checkpoint.settings_of(path, facts, cls.config_class))
        translator._statistics = tensors
        return translator

    def _fitted(self) -> dict[str, Tensor]:
        if self._statistics is None:
            raise RuntimeError(f"this {self.kind} translator is not fitted: call fit or load first")
        return self._statistics
