"""Self-training: of what S_{k-1} predicts for X_c, the most confident part becomes labels."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from past_core.case import Domain
from past_core.errors import DataError
from past_core.files import write_json
from past_core.interfaces import Prediction, PseudoLabel, Strategy
from past_core.labels import Labels
from past_core.pipeline.layout import SELECTION, label_path, probability_path, weights_path
from past_core.pipeline.work.workspace import Work, require_grid
from past_core.volume import Volume, load_volume, save_volume

__all__ = ["correct", "select"]


def select(params: Mapping[str, Any], work: Work) -> None:
    """Keep the top portion q_k; every other voxel becomes *ignore*.

    Parameters
    ----------
    params
        ``plugin`` (the strategy), ``labels``, ``round`` (k, from 1) and ``cases``, ``id`` and
        ``domain`` of each; every teacher's predictions are an input.
    """
    strategy: Strategy = work.create(params["plugin"])
    teachers = list(work.inputs.values())
    predictions = [
        Prediction(
            case["id"],
            tuple(probability_path(folder, case["id"]) for folder in teachers),
            Domain(case["domain"]),
        )
        for case in params["cases"]
    ]
    labels = Labels(tuple(params["labels"]))
    said: dict[str, dict[str, Any]] = {}
    selected = strategy.select(predictions, labels, params["round"])
    for prediction, one in zip(predictions, selected, strict=True):
        likeliest = load_volume(label_path(teachers[0], one.case_id), np.uint8)
        require_grid(params["plugin"], one.label.shape, likeliest.shape)
        _write(one, likeliest.affine, work)
        probabilities = prediction.probabilities()
        said[one.case_id] = {
            "domain": str(prediction.domain),
            "weight": one.scan_weight,
            "predicted": _counts(probabilities.argmax(axis=0), labels),
            "kept": _counts(one.label, labels),
            "least": _least(probabilities, one.label, labels),
        }
        work.progress(len(said), len(predictions), one.case_id)
    _balance(list(said.values()))
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
            shutil.copyfile(weights, weights_path(work.folder, case.id))
        work.progress(done, len(params["cases"]), case.id)
    shutil.copyfile(folder / SELECTION, work.folder / SELECTION)


def _write(one: PseudoLabel, affine: npt.NDArray[np.float64], work: Work) -> None:
    label = Volume(one.label.astype(np.uint8), affine)
    save_volume(label, label_path(work.folder, one.case_id))
    if one.voxel_weights is not None:
        weights = Volume(one.voxel_weights.astype(np.float32), affine)
        save_volume(weights, weights_path(work.folder, one.case_id))


def _counts(classes: npt.NDArray[np.integer[Any]], labels: Labels) -> dict[str, int]:
    """Voxels of each structure."""
    found = np.bincount(classes.ravel(), minlength=labels.count)
    return {name: int(found[value]) for name, value in labels.as_mapping().items()}


def _least(
    probabilities: npt.NDArray[np.floating[Any]], label: npt.NDArray[np.uint8], labels: Labels
) -> dict[str, float | None]:
    """The lowest probability with which a voxel was kept as each class; None if none was."""
    found = {}
    for name, value in labels.as_mapping().items():
        kept = probabilities[value][label == value]
        found[name] = float(kept.min()) if kept.size else None
    return found


def _balance(cases: Sequence[dict[str, Any]]) -> None:
    """Scale weights to a mean of 1 in each domain, so that their shares of a training stay.

    Raises
    ------
    DataError
        If no scan of a domain has any weight.
    """
    for domain in Domain:
        members = [case for case in cases if case["domain"] == domain]
        total = sum(case["weight"] for case in members)
        if members and not total > 0:
            raise DataError(
                f"the strategy gave no weight to any of {len(members)} {domain} scans, so nothing "
                "would be learnt from them. Let it keep more, or leave them out of the round."
            )
        for case in members:
            case["weight"] *= len(members) / total
