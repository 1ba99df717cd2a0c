"""Crop, normalise and resample cases to the planned spacing: nnU-Net's last step before training.

nnU-Net does it in a pool of spawned processes, each of which imports torch anew. Here its functions
run in this process, which is quicker for the small regions that PAST works in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
from nnunetv2.utilities.utils import get_filenames_of_train_images_and_targets

from past_core.errors import DataError
from past_seg.nnunet.folders import as_read
from past_seg.nnunet.plans import configuration_name
from past_seg.nnunet.prepared import PreparedCases, is_prepared, save_array
from past_seg.nnunet.voxel_weights import as_channel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from past_core.case import Case
    from past_seg.nnunet.folders import Folders, Json

__all__ = ["preprocess", "preprocess_unlabelled"]


def preprocess(
    folders: Folders,
    cases: Sequence[Case],
    dataset: Json,
    plans: Json,
    report: Callable[[int, int], None],
) -> None:
    """Prepare every case of the raw data set; complete ones are not done again.

    Parameters
    ----------
    folders
        Where the raw data set is and prepared cases go.
    cases
        The same ones. If any has voxel weights, all images get a second channel.
    dataset, plans
        nnU-Net's.
    report
        Called with the number of cases done, and of all.

    Raises
    ------
    DataError
        If voxel weights lie on another grid than their image, or are not between 0 and 1.
    """
    manager = PlansManager(plans)
    configuration = manager.get_configuration(configuration_name(plans))
    preprocessor = DefaultPreprocessor(verbose=False)
    finished = folders.preprocessed / configuration.data_identifier
    files = get_filenames_of_train_images_and_targets(str(folders.raw), dataset)
    weighted = any(case.voxel_weights is not None for case in cases)
    for done, case in enumerate(cases):
        report(done, len(cases))
        if is_prepared(finished, case.id):
            continue
        one = files[case.id]
        data, seg, properties = preprocessor.run_case(
            one["images"], one["label"], manager, configuration, dataset
        )
        if weighted:
            box, forward = properties["bbox_used_for_cropping"], manager.transpose_forward
            channel = as_channel(case, data.shape[1:], box, forward)
            data = np.concatenate([data.astype(np.float32, copy=False), channel])
        PreparedCases.save_case(data, seg, properties, str(finished / case.id))


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
        save_array(data.astype(np.float32, copy=False), path)
