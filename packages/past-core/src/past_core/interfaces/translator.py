"""Translators turn images of the source contrast into images that look like the target's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from past_core.case import Case
    from past_core.config import PluginConfig
    from past_core.interfaces.context import Context
    from past_core.labels import Labels
    from past_core.volume import Volume

__all__ = ["Translator"]


class Translator(ABC):
    """An unpaired image-to-image translator, source to target.

    Constructed with its validated configuration. Images are 3D, canonical (RAS+),
    cropped to the region of interest and scaled to [0, 255]; the translation has the
    same grid and range, so that the source labels carry over voxel by voxel.
    """

    def __init__(self, config: PluginConfig) -> None:
        self.config = config

    @abstractmethod
    def fit(
        self, source: Sequence[Case], target: Sequence[Case], labels: Labels, context: Context
    ) -> None:
        """Learn from unpaired scans, resuming from ``context.folder`` if work lies there.

        Parameters
        ----------
        source
            Scans with labels, which a segmentation-aware translator may use.
        target
            Scans without labels.
        labels
            The structures that the source's labels name.
        context
            Folder, seed, device, progress.
        """

    @abstractmethod
    def translate(self, volume: Volume) -> Volume:
        """Translate one source volume ``(i, j, k)``: same shape and affine, float32, [0, 255]."""

    def measure(  # noqa: B027  (most have nothing to measure)
        self, source: Sequence[Case], target: Sequence[Case], labels: Labels, context: Context
    ) -> None:
        """Figures of a fitted translator that need no label of the target, for people to look at.

        Nothing waits for them: what is trained on translations is trained beside. To be shown,
        they are in ``context.record`` as ``quality.json``, in the form of
        ``past_core.pipeline.recorded.QualityFile``. By default there are none.

        Parameters
        ----------
        source, target, labels
            What it was fitted to.
        context
            A folder of its own, and the seed of ``fit``.
        """

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write what ``load`` needs into ``folder``; files that run no code when read."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path, device: str = "cpu") -> Self:
        """Read back a saved translator.

        Raises
        ------
        past_core.errors.DataError
            If the files are missing, truncated or of another translator.
        """
