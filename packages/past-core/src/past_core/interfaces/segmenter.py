"""Segmenters learn 3D segmentation from labelled scans and predict class probabilities."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from past_core.case import Case
    from past_core.config import PluginConfig
    from past_core.interfaces.context import Context
    from past_core.interfaces.online import Unlabelled
    from past_core.labels import Labels
    from past_core.volume import Volume

__all__ = ["Segmenter"]


class Segmenter(ABC):
    """A 3D segmenter, constructed with its validated configuration."""

    def __init__(self, config: PluginConfig) -> None:
        self.config = config

    @abstractmethod
    def fit(
        self,
        cases: Sequence[Case],
        labels: Labels,
        context: Context,
        init_from: Path | None = None,
        unlabelled: Unlabelled | None = None,
    ) -> None:
        """Train on labelled cases, resuming from ``context.folder`` if work lies there.

        Parameters
        ----------
        cases
            Images with labels ``0 .. labels.count - 1``; voxels of value
            ``labels.ignore`` must not influence training. A case of twice the ``weight`` is
            drawn twice as often. ``load_voxel_weights``, if not None, says how much each voxel
            counts in the loss; only segmenters whose description says ``voxel_weights`` get any.
        labels
            The structures to learn.
        context
            Folder, seed, device, progress.
        init_from
            A folder that ``save`` wrote: start from these weights (a warm start, which
            may use its own number of iterations and learning rate) instead of from
            random ones.
        unlabelled
            Scans without labels, and the strategy that teaches from them during the training.
            Handed only to segmenters whose description says ``online``.
        """

    @abstractmethod
    def predict(self, volume: Volume) -> npt.NDArray[np.floating[Any]]:
        """Class probabilities ``(c, i, j, k)`` on the grid of ``volume``.

        They lie in [0, 1] and sum to 1 over ``c``; channel 0 is background.
        """

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write what ``load`` and a warm start need; files that run no code when read."""

    @classmethod
    @abstractmethod
    def load(
        cls, folder: Path, device: str = "cpu", prediction: Mapping[str, Any] | None = None
    ) -> Self:
        """Read back a saved segmenter.

        Parameters
        ----------
        folder
            What ``save`` wrote.
        device
            Where to predict.
        prediction
            Values of the configuration's ``prediction`` fields that hold instead of those
            that were saved; all as saved by default.

        Raises
        ------
        past_core.errors.DataError
            If the files are missing, truncated or of another segmenter.
        """
