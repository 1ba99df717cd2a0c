"""Fingerprint and plan a raw data set: nnU-Net's first steps before training.

nnU-Net runs its per-case functions in pools of spawned processes, each of which imports
torch anew. Here the same functions run in this process, which is quicker for the small
regions that PAST works in.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from nnunetv2.experiment_planning.dataset_fingerprint.fingerprint_extractor import (
    DatasetFingerprintExtractor,
)
from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import (
    ExperimentPlanner,
)
from nnunetv2.experiment_planning.experiment_planners.residual_unets import (
    residual_encoder_unet_planners as residual_planners,
)
from nnunetv2.imageio.nibabel_reader_writer import NibabelIO
from nnunetv2.utilities.utils import get_filenames_of_train_images_and_targets

from past_core.errors import DataError
from past_core.files import write_json
from past_seg.nnunet.capture import captured
from past_seg.nnunet.folders import Folders, Json
from past_seg.nnunet.plans import configuration_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from past_seg.nnunet.config import NNUNetConfig

__all__ = [
    "PLANNERS",
    "extract_fingerprint",
    "make_plans",
    "said",
    "with_batch_size",
]

log = logging.getLogger(__name__)

TRAINED = ("3d_lowres", "3d_fullres")
"""nnU-Net's names of 3D configurations; the first one that it plans is trained."""
OWN_COVERAGE = 0.25
"""Share of a volume that nnU-Net wants a patch to cover."""
COVERAGE_STEP = 0.05
INTENSITY_SAMPLES = 10_000
"""Foreground voxels a case gives to the intensity statistics. nnU-Net normalises MRI by
each image's own mean and standard deviation, so they serve the record only."""


class _VoxelBudget:
    """Limits the patch by its voxels instead of by the memory of the network.

    nnU-Net shrinks the patch until an estimate falls below a reference value; here the
    estimate is the number of voxels, and the reference the budget. nnU-Net still decides
    which axis gives way and what topology follows.
    """

    UNet_reference_val_3d: float
    UNet_reference_val_2d: float

    def budget(self, voxels: int) -> None:
        self.UNet_reference_val_3d = voxels
        self.UNet_reference_val_2d = 2048**2  # the 2D plan is made too, but never used

    @staticmethod
    def static_estimate_VRAM_usage(patch_size: Sequence[int], *_: object) -> float:  # noqa: N802
        return float(np.prod(patch_size, dtype=np.float64))


class _PlainByVoxels(_VoxelBudget, ExperimentPlanner):  # type: ignore[misc]
    """nnU-Net's planner within a budget of voxels."""


class _ResidualByVoxels(_VoxelBudget, residual_planners.ResEncUNetPlanner):  # type: ignore[misc]
    """nnU-Net's planner of residual encoders within a budget of voxels."""


PLANNERS: dict[str, tuple[type[Any], type[Any]]] = {
    "nnunet": (ExperimentPlanner, _PlainByVoxels),
    "resunet": (residual_planners.ResEncUNetPlanner, _ResidualByVoxels),
}
"""By kind of network: the planner for a memory target, and the one for a voxel budget."""


def extract_fingerprint(folders: Folders, dataset: Json) -> None:
    """Write ``dataset_fingerprint.json``: sizes, spacings and intensities of all cases."""
    files = get_filenames_of_train_images_and_targets(str(folders.raw), dataset)
    cases = [
        DatasetFingerprintExtractor.analyze_case(
            one["images"], one["label"], NibabelIO, num_samples=INTENSITY_SAMPLES
        )
        for one in files.values()
    ]
    shapes, spacings, intensities, _, remaining = zip(*cases, strict=True)
    sample = np.concatenate([np.asarray(channels[0], np.float64) for channels in intensities])
    low, median, high = np.percentile(sample, (0.5, 50.0, 99.5))
    fingerprint = {
        "spacings": spacings,
        "shapes_after_crop": shapes,
        "foreground_intensity_properties_per_channel": {
            "0": {
                "mean": sample.mean(),
                "median": median,
                "std": sample.std(),
                "min": sample.min(),
                "max": sample.max(),
                "percentile_99_5": high,
                "percentile_00_5": low,
            }
        },
        "median_relative_size_after_cropping": np.median(remaining),
    }
    write_json(folders.preprocessed / "dataset_fingerprint.json", fingerprint)


def make_plans(
    folders: Folders, kind: str, config: NNUNetConfig, width: float | None = None
) -> Json:
    """Let nnU-Net plan spacing, patch, topology and batch from the fingerprint.

    Parameters
    ----------
    width
        Of the narrowest structure in mm, if there is one: of the shares of a volume that a patch
        may cover, from ``config.coverage`` down to nnU-Net's own, the first is planned for that
        leaves it ``config.structure_voxels`` wide.

    Returns
    -------
    dict
        nnU-Net's plans, as it stores them in JSON.
    """
    if config.patch_voxels is None:
        by_memory, _ = PLANNERS[kind]
        planner = by_memory(folders.raw.name, gpu_memory_target_in_gb=config.gpu_memory_gb)
    else:
        _, by_voxels = PLANNERS[kind]
        planner = by_voxels(folders.raw.name)
        planner.budget(config.patch_voxels)
    planner.UNet_base_num_features = config.base_features
    planner.UNet_max_features_3d = config.max_features
    for coverage in _coverages(config.coverage):
        planner.lowres_creation_threshold = coverage
        lines: list[str] = []
        with captured(lines.append):
            plans = _only_trained(plain(planner.plan_experiment()))
        finest = min(plans["configurations"][configuration_name(plans)]["spacing"])
        if width is None or width >= config.structure_voxels * finest:
            break
    for line in lines:  # of the plan that is kept; nnU-Net says as much of each
        log.info("%s", line)
    return plans


def _coverages(aim: float) -> list[float]:
    """From the share aimed at down to nnU-Net's own, or below."""
    if aim <= OWN_COVERAGE:
        return [aim]
    return [*np.arange(aim, OWN_COVERAGE, -COVERAGE_STEP).tolist(), OWN_COVERAGE]


def _only_trained(plans: Json) -> Json:
    name = next((one for one in TRAINED if one in plans["configurations"]), None)
    if name is None:
        raise DataError("the volumes have a single slice; PAST segments 3D volumes.")
    configuration = plans["configurations"][name]
    configuration.pop("next_stage", None)  # the cascade, which PAST does not train
    plans["configurations"] = {name: configuration}
    return plans


def said(plans: Json, width: float | None) -> str:
    """One line on what was planned: voxels, patch, and the structure that was thought of."""
    planned = plans["configurations"][configuration_name(plans)]
    # nnU-Net's axes are those of its readers: the last one first.
    patch, spacing = planned["patch_size"][::-1], planned["spacing"][::-1]
    line = f"patches of {' x '.join(map(str, patch))} voxels"
    line += f" of {' x '.join(f'{side:.3g}' for side in spacing)} mm"
    return line if width is None else f"{line} (the narrowest structure is {width:.3g} mm wide)"


def with_batch_size(plans: Json, batch_size: int | None) -> Json:
    """Copy plans, with this batch size unless it is None."""
    copied = plain(plans)
    if batch_size is not None:
        copied["configurations"][configuration_name(plans)]["batch_size"] = batch_size
    return copied


def plain(value: Json) -> Json:
    """Turn tuples and numpy's numbers into what JSON gives back when read."""
    result: Json = json.loads(json.dumps(value, default=lambda array: array.tolist()))
    return result
