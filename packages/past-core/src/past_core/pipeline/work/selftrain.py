"""Self-training: of what S_{k-1} predicts for X_c, the most confident part becomes labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from past_core.case import Domain
from past_core.errors import DataError
from past_core.files import copy_file, write_json
from past_core.headers import read_header
from past_core.interfaces import Prediction, PseudoLabel, Strategy, mean_probabilities
from past_core.labels import Labels
from past_core.pipeline.layout import SELECTION, label_path, probability_path, weights_path
from past_core.pipeline.work.sound import require_selected
from past_core.pipeline.work.workspace import Work
from past_core.volume import Volume, load_volume, save_volume

__all__ = ["correct", "select"]


def select(params: Mapping[str, Any], work: Work) -> None:
    """Let a strategy choose among what teachers predict; every other voxel becomes *ignore*.

    Parameters
    ----------
    params
        ``plugin`` (the strategy), ``labels``, ``round`` (k, from 1) and ``cases``, with the
        ``entry`` (the number of its entry of ``images``) of each; every teacher's predictions are
        an input.
    """
    strategy: Strategy = work.create(params["plugin"])
    teachers = [path for role, path in work.inputs.items() if role.startswith("predictions")]
    predictions = [
        Prediction(
            case["id"],
            tuple(probability_path(folder, case["id"]) for folder in teachers),
            Domain(case["domain"]),
            work.case(case, Domain(case["domain"])).image,
        )
        for case in params["cases"]
    ]
    labels = Labels(tuple(params["labels"]))
    selected = strategy.select(predictions, labels, params["round"])
    said: dict[str, dict[str, Any]] = {}
    weights: dict[tuple[str, int], dict[str, float]] = {}
    sound = require_selected(
        params["plugin"],
        selected,
        [prediction.case_id for prediction in predictions],
        (prediction.of_each()[0].shape[1:] for prediction in predictions),
        labels,
    )
    for case, prediction, one in zip(params["cases"], predictions, sound, strict=True):
        affine = read_header(label_path(teachers[0], one.case_id)).affine
        _write(one, affine, work)
        said[one.case_id] = {
            "domain": case["domain"],
            "alone": one.alone,
            **_counts(prediction, one, labels),
        }
        weights.setdefault((case["domain"], case["entry"]), {})[one.case_id] = one.scan_weight
        work.progress(len(said), len(predictions), one.case_id)
    for (domain, _), members in weights.items():
        for name, weight in _balanced(members, domain).items():
            said[name]["weight"] = weight
    write_json(work.folder / SELECTION, {"cases": said})


def correct(params: Mapping[str, Any], work: Work) -> None:
    """True labels of just those voxels whose pseudo-labels were kept: the selection's ceiling.

    Parameters
    ----------
    params
        ``labels`` and ``cases`` with true labels; the input ``selected`` is a stage of ``select``.
    """
    ignore = Labels(tuple(params["labels"])).ignore
    folder = work.inputs["selected"]
    for done, entry in enumerate(params["cases"], start=1):
        case = work.case(entry, Domain(entry["domain"]))
        true = case.load_label()
        kept = load_volume(label_path(folder, case.id), np.uint8).data != ignore
        label = np.where(kept, true.data, np.uint8(ignore))
        save_volume(Volume(label, true.affine), label_path(work.folder, case.id))
        if (weights := weights_path(folder, case.id)).exists():
            copy_file(weights, weights_path(work.folder, case.id))
        work.progress(done, len(params["cases"]), case.id)
    copy_file(folder / SELECTION, work.folder / SELECTION)


def _write(one: PseudoLabel, affine: npt.NDArray[np.float64], work: Work) -> None:
    label = Volume(one.label.astype(np.uint8), affine)
    save_volume(label, label_path(work.folder, one.case_id))
    if one.voxel_weights is not None:
        weights = Volume(one.voxel_weights.astype(np.float32), affine)
        save_volume(weights, weights_path(work.folder, one.case_id))


COUNTED = ("predicted", "kept", "guessed", "added", "taken")
"""What ``selection.json`` counts, by class."""
PLANES = 16
"""Of a case, this many along its first axis are in memory at a time."""


def _counts(prediction: Prediction, one: PseudoLabel, labels: Labels) -> dict[str, dict[str, int]]:
    """Voxels of each class, by what they are.

    ``predicted``; ``kept``; of those ``guessed``, by a probability below a half; and what the image
    ``added`` to the predicted ones, and has ``taken`` from them for another class.
    """
    total = np.zeros((5, labels.count), np.int64)
    teachers = prediction.of_each()
    for start in range(0, len(one.label), PLANES):
        planes = slice(start, start + PLANES)
        mean = mean_probabilities([teacher[:, planes] for teacher in teachers])
        predicted = mean.argmax(axis=0)
        total[0] += np.bincount(predicted.ravel(), minlength=labels.count)
        by_image = np.False_ if one.by_image is None else one.by_image[planes]
        known = one.label[planes] != labels.ignore
        for value in range(labels.count):
            likeliest, kept = predicted == value, one.label[planes] == value
            total[1, value] += np.count_nonzero(kept)
            total[2, value] += np.count_nonzero(kept & ~by_image & (mean[value] < 0.5))
            total[3, value] += np.count_nonzero(by_image & kept & ~likeliest)
            total[4, value] += np.count_nonzero(by_image & known & likeliest & ~kept)
    names = labels.as_mapping()
    return {
        what: {name: int(counts[value]) for name, value in names.items()}
        for what, counts in zip(COUNTED, total, strict=True)
    }


def _balanced(weights: Mapping[str, float], domain: str) -> dict[str, float]:
    """Weights of one entry's scans, scaled to a mean of 1, so that its share of a training stays.

    Raises
    ------
    DataError
        If none has any weight.
    """
    total = sum(weights.values())
    if not total > 0:
        raise DataError(
            f"the strategy gave no weight to any of {len(weights)} {domain} scans, so nothing "
            "would be learnt from them. Let it keep more, or leave them out of the round."
        )
    return {name: weight * (len(weights) / total) for name, weight in weights.items()}
