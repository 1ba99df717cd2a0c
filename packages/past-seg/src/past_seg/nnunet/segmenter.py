"""The plugins ``nnunet`` and ``resunet``: fit, predict, save and load."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from past_core.config import parse_config
from past_core.errors import ConfigError, DataError
from past_core.interfaces import Segmenter
from past_seg.nnunet import storage
from past_seg.nnunet.config import NNUNetConfig, ResUNetConfig
from past_seg.nnunet.prediction import Predictor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from past_core.case import Case
    from past_core.interfaces import Context, Unlabelled
    from past_core.labels import Labels
    from past_core.volume import Volume

__all__ = ["NNUNet", "ResUNet"]


class NNUNet(Segmenter):
    """nnU-Net (Isensee et al. 2021) with its plain encoder, at full resolution in 3D."""

    kind: ClassVar[str] = "nnunet"
    """Name of the plugin, written into saved files."""
    config_class: ClassVar[type[NNUNetConfig]] = NNUNetConfig

    config: NNUNetConfig

    def __init__(self, config: NNUNetConfig) -> None:
        super().__init__(config)
        self._saved: storage.Saved | None = None
        self._predictor: Predictor | None = None
        self._device = "cpu"

    def fit(
        self,
        cases: Sequence[Case],
        labels: Labels,
        context: Context,
        init_from: Path | None = None,
        unlabelled: Unlabelled | None = None,
    ) -> None:
        """Plan from the cases and train; see ``past_core.interfaces.Segmenter.fit``.

        With ``init_from``, plan and weights are those saved there, and the numbers of the
        configuration's ``warm_`` settings hold. ``context.folder`` gets nnU-Net's folders
        ``raw`` and ``preprocessed``, ``checkpoint.pt`` and ``record/losses.csv``.

        Raises
        ------
        DataError
            If a case cannot be trained on, or ``init_from`` does not fit.
        """
        # nnU-Net's trainer and planners, which prediction does without, take seconds to import.
        from past_seg.nnunet.fitting import Training  # noqa: PLC0415

        training = Training(self.kind, self.config, cases, labels, context, unlabelled)
        self._keep(training.run(init_from), context.device)

    def predict(self, volume: Volume) -> npt.NDArray[np.floating[Any]]:
        """Class probabilities; see ``past_core.interfaces.Segmenter.predict``."""
        saved = self._trained()
        if self._predictor is None:
            heads = len(saved.structures) + 1
            network = storage.build_network(saved, heads)
            self._predictor = Predictor(
                network, saved.plans, saved.dataset, self.config, self._device
            )
        return self._predictor(volume)

    def save(self, folder: Path) -> None:
        """Write ``weights.safetensors`` and ``segmenter.json``."""
        storage.write(self._trained(), folder)

    @classmethod
    def load(
        cls, folder: Path, device: str = "cpu", prediction: Mapping[str, Any] | None = None
    ) -> Self:
        """Read back what ``save`` wrote; no code in the files is run.

        Raises
        ------
        DataError
            If a file is missing, damaged, or of another segmenter.
        ConfigError
            If ``prediction`` has a key or a value that is not allowed.
        """
        saved = storage.read(folder, cls.kind)
        try:
            config = parse_config(cls.config_class, saved.config, "config")
        except ConfigError as error:
            raise DataError(f"{folder / storage.DESCRIPTION}: {error} Train anew.") from error
        if prediction:
            config = config.predicting(prediction)
            saved = replace(saved, config=config.model_dump())
        segmenter = cls(config)
        segmenter._keep(saved, device)
        return segmenter

    def _keep(self, saved: storage.Saved, device: str) -> None:
        self._saved, self._device, self._predictor = saved, device, None

    def _trained(self) -> storage.Saved:
        if self._saved is None:
            raise ValueError(f"this {self.kind} is not trained: call fit or load first")
        return self._saved


class ResUNet(NNUNet):
    """nnU-Net with a residual encoder, planned as by its ResEnc planners."""

    kind = "resunet"
    config_class = ResUNetConfig
