"""Unlabelled scans for nnU-Net: preprocessed as labelled ones are, drawn as pairs of views."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from batchgeneratorsv2.transforms.base.basic_transform import BasicTransform
from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

from past_core.errors import DataError
from past_core.files import atomic_path
from past_seg.nnunet.folders import as_read
from past_seg.nnunet.memory import Copied
from past_seg.nnunet.plans import configuration_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from torch import Tensor

    from past_core.case import Case
    from past_seg.nnunet.folders import Json

__all__ = ["JoinViews", "TwoViews", "UnlabelledCases", "preprocess_unlabelled"]


def preprocess_unlabelled(
    folder: Path,
    cases: Sequence[Case],
    dataset: Json,
    plans: Json,
    report: Callable[[int, int], None],
) -> None:
    """Crop, normalise and resample every scan to the planned spacing, into ``ID.npy``.

    Raises
    ------
    DataError
        If a scan cannot be trained on; the message names the file.
    """
    manager = PlansManager(plans)
    configuration = manager.get_configuration(configuration_name(plans))
    preprocessor = DefaultPreprocessor(verbose=False)
    for done, case in enumerate(cases):
        report(done, len(cases))
        path = folder / f"{case.id}.npy"
        if path.exists():
            continue
        image = case.load_image().canonical()
        if not np.isfinite(image.data).all() or not image.data.any() or min(image.shape) < 2:
            raise DataError(
                f"{case.image}: shape {image.shape}; an unlabelled scan must be a 3D volume of "
                "finite voxels that are not all 0. Drop it or export it anew."
            )
        array, properties = as_read(image)
        data, *_ = preprocessor.run_case_npy(
            array, None, properties, manager, configuration, dataset
        )
        with atomic_path(path) as temporary:
            np.save(temporary, data.astype(np.float32))


@dataclass(frozen=True)
class UnlabelledCases:
    """What nnU-Net's loader of patches asks of a data set; scans stay on disk, memory-mapped."""

    folder: Path
    identifiers: list[str]

    def load_case(self, identifier: str) -> tuple[Any, ...]:
        """Image, a label of background, no earlier stage, and no places of structures."""
        image = self._images[identifier]
        background = np.broadcast_to(np.int8(0), image.shape).view(Copied)
        return image, background, None, {"class_locations": {}}

    @cached_property
    def _images(self) -> dict[str, Copied]:
        return {
            name: np.load(self.folder / f"{name}.npy", mmap_mode="r").view(Copied)
            for name in self.identifiers
        }


class TwoViews(BasicTransform):  # type: ignore[misc]
    """Keeps the look that a patch has before its intensities are changed.

    It becomes nnU-Net's ``regression_target``, which is turned, scaled and mirrored as the image.
    """

    def apply(self, data_dict: dict[str, Tensor], **_: object) -> dict[str, Tensor]:
        """Copy ``image`` ``(1, i, j, k)``."""
        return {**data_dict, "regression_target": data_dict["image"].clone()}


class JoinViews(BasicTransform):  # type: ignore[misc]
    """Puts the view as it was behind the changed one, since batches have no other place."""

    def apply(self, data_dict: dict[str, Tensor], **_: object) -> dict[str, Tensor]:
        """Join ``image`` and ``regression_target`` ``(1, i, j, k)``."""
        weak = data_dict.pop("regression_target")
        return {**data_dict, "image": torch.cat([data_dict["image"], weak])}
