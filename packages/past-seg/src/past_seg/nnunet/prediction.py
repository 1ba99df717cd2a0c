"""Class probabilities of a volume on its own grid, by nnU-Net's sliding window."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import torch
from nnunetv2.inference.export_prediction import (
    convert_predicted_logits_to_segmentation_with_correct_shape as restore_grid,
)
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

from past_core.errors import DataError
from past_core.volume import Volume
from past_seg.nnunet.capture import captured
from past_seg.nnunet.folders import Json, as_read
from past_seg.nnunet.onednn import OneDNNConvolutions
from past_seg.nnunet.plans import configuration_name
from past_seg.nnunet.precision import autocast

if TYPE_CHECKING:
    import numpy.typing as npt

    from past_seg.nnunet.config import NNUNetConfig

__all__ = ["Predictor"]

log = logging.getLogger(__name__)

MIRRORED_AXES = (0, 1, 2)
"""nnU-Net mirrors all axes of 3D patches in training, so predictions may be averaged over them."""


class _Float32Output(torch.nn.Module):
    """Runs a network on one patch at a time and gives float32, which averaging needs."""

    def __init__(self, network: torch.nn.Module, config: NNUNetConfig) -> None:
        super().__init__()
        self.network = network
        self.config = config

    def forward(self, patch: torch.Tensor) -> torch.Tensor:
        with autocast(self.config, patch.device), OneDNNConvolutions():
            output: torch.Tensor = self.network(patch.to(memory_format=torch.channels_last_3d))
        return output.float()


class Predictor:
    """A trained network with all that prediction needs, kept ready between calls."""

    def __init__(
        self,
        network: torch.nn.Module,
        plans: Json,
        dataset: Json,
        config: NNUNetConfig,
        device: str,
    ) -> None:
        network.decoder.deep_supervision = False  # type: ignore[union-attr]
        network.to(memory_format=torch.channels_last_3d)
        self._plans = PlansManager(plans)
        self._configuration = self._plans.get_configuration(configuration_name(plans))
        self._dataset = dataset
        self._preprocessor = DefaultPreprocessor(verbose=False)
        with captured(log.info):
            self._predictor = nnUNetPredictor(
                tile_step_size=config.tile_step,
                use_mirroring=config.mirroring,
                device=torch.device(device),
                allow_tqdm=False,
            )
            self._predictor.manual_initialization(
                _Float32Output(network, config),
                self._plans,
                self._configuration,
                None,
                dataset,
                "Trainer",
                MIRRORED_AXES,
            )

    def __call__(self, volume: Volume) -> npt.NDArray[np.float32]:
        """Return probabilities ``(c, i, j, k)`` that sum to 1 over ``c``.

        Raises
        ------
        DataError
            If the volume is empty, not finite or not 3D.
        """
        _check(volume)
        canonical = volume.canonical()
        array, properties = as_read(canonical)  # as training read them
        data, _, properties = self._preprocessor.run_case_npy(
            array, None, properties, self._plans, self._configuration, self._dataset
        )
        logits = self._predictor.predict_sliding_window_return_logits(torch.from_numpy(data))
        _, probabilities = restore_grid(
            logits.cpu(),
            self._plans,
            self._configuration,
            self._predictor.label_manager,
            properties,
            return_probabilities=True,
            num_threads_torch=torch.get_num_threads(),
        )
        stack = Volume(probabilities.transpose(0, 3, 2, 1), canonical.affine)
        return np.ascontiguousarray(stack.oriented_like(volume.affine).data, dtype=np.float32)


def _check(volume: Volume) -> None:
    if volume.data.ndim != 3 or min(volume.shape) < 2:
        raise DataError(f"cannot segment an array of shape {volume.data.shape}: not a 3D volume.")
    if not np.isfinite(volume.data).all():
        raise DataError("cannot segment a volume with NaN or infinite voxels. Replace them.")
    if not volume.data.any():
        raise DataError("cannot segment a volume whose voxels are all 0. Export it anew.")
