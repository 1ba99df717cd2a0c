"""Segmentation: train S_0 on (X̂_s, Y_s), or S_k from S_{k-1}; predict class probabilities."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from past_core.case import Case, Domain
from past_core.errors import DataError
from past_core.files import atomic_path
from past_core.interfaces import OnlineStrategy, Segmenter, Unlabelled
from past_core.labels import Labels
from past_core.pipeline.layout import label_path, model_path, probability_path
from past_core.pipeline.work.predicted import Kept
from past_core.pipeline.work.sound import require_probabilities
from past_core.pipeline.work.workspace import Work, fit_once
from past_core.plugins import SegmenterSpec
from past_core.volume import Volume, save_volume

__all__ = ["fit", "predict"]

log = logging.getLogger(__name__)


def fit(params: Mapping[str, Any], work: Work) -> None:
    """Train a segmenter on labelled scans, from the weights of the input ``start`` if it has one.

    Parameters
    ----------
    params
        ``plugin``, ``labels`` (names of the structures) and ``cases`` with labels; those that
        a strategy gave no weight are left out, and those with ``unless`` where that holds. With
        an online ``strategy``, it teaches from the cases without labels.
    """
    segmenter: Segmenter = work.create(params["plugin"])
    entries = [one for one in params["cases"] if not ("unless" in one and work.learns_alone())]
    handed = [work.case(entry, Domain(entry["domain"])) for entry in entries]
    if len(entries) < len(params["cases"]):
        log.info(
            "%d scans left out: the target's labels are learnt from alone",
            len(params["cases"]) - len(entries),
        )
    cases = [case for case in handed if case.weight > 0 and case.label is not None]
    _require_voxel_weights(params["plugin"], cases, work)
    labels = Labels(tuple(params["labels"]))
    start = model_path(work.inputs["start"]) if "start" in work.inputs else None
    more: dict[str, Any] = {}
    if "strategy" in params:
        strategy: OnlineStrategy = work.create(params["strategy"], "strategy")
        others = [case for case in handed if case.label is None]
        more["unlabelled"] = Unlabelled(strategy, others, dict(params["strategy"]))
    fit_once(work, lambda: segmenter.fit(cases, labels, work.context(), start, **more), segmenter)


def _require_voxel_weights(plugin: Mapping[str, Any], cases: Sequence[Case], work: Work) -> None:
    """Weights of voxels must not be lost on a segmenter that knows none."""
    weighted = [case.id for case in cases if case.voxel_weights is not None]
    spec = work.registry.find("segmenter", plugin["name"]).spec
    if weighted and not (isinstance(spec, SegmenterSpec) and spec.voxel_weights):
        raise DataError(
            f"voxels of case {weighted[0]} have weights, by the strategy of this round, but the "
            f"segmenter '{plugin['name']}' knows none. Choose another strategy or segmenter."
        )


def predict(params: Mapping[str, Any], work: Work) -> None:
    """Class probabilities of scans by the input ``model``, and where each class is the likeliest.

    Both lie on the cropped grid: ``*_probabilities.npy`` float16, ``*_label.nii.gz`` uint8.
    The label is taken before probabilities are rounded.

    Parameters
    ----------
    params
        ``plugin`` (the segmenter; its settings are in what was saved), ``prediction`` (its
        settings of prediction, which hold instead of those saved) and ``cases``.
    """
    factory: type[Segmenter] = work.factory(params["plugin"])
    segmenter = factory.load(
        model_path(work.inputs["model"]), work.device, dict(params["prediction"])
    )
    for done, entry in enumerate(params["cases"], start=1):
        case = work.case(entry, Domain.TARGET)
        path = label_path(work.folder, case.id)
        if not path.exists():
            volume = case.load_image()
            probabilities = segmenter.predict(volume)
            classes = work.incidental["classes"]
            require_probabilities(params["plugin"], probabilities, classes, volume.shape)
            kept = Kept(probabilities)
            with atomic_path(probability_path(work.folder, case.id)) as temporary:
                np.save(temporary, kept.rounded)
            save_volume(Volume(kept.classes(), volume.affine), path)
        work.progress(done, len(params["cases"]), case.id)
