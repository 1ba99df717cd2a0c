"""Scoring of segmentations that lie in a folder, whoever made them."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from past_core.datasets.pairing import pair
from past_core.errors import DataError
from past_core.interfaces import Metric
from past_core.labels import Labels
from past_core.naming import nifti_files, stem
from past_core.probabilities import without_probabilities
from past_core.problems import some_of
from past_core.scoring import Score, score_case
from past_core.volume import Volume, load_volume

__all__ = ["score_folders"]


def score_folders(
    predictions: Path,
    references: Path,
    labels: Labels,
    metrics: Mapping[str, Metric],
    *,
    jobs: int = 1,
) -> list[Score]:
    """Score every NIfTI file in ``predictions`` against the one it belongs to in ``references``.

    Files are paired by name as ``past_core.datasets.pairing`` does it, so that
    ``P01_hrT2.nii.gz`` is scored against ``P01_Label.nii.gz``. The system is named after the
    predictions' folder, the case after the prediction.

    Parameters
    ----------
    metrics
        By name.
    jobs
        Cases that are scored at once, each in a process of its own.

    Raises
    ------
    DataError
        If there is nothing to score, a reference is missing or not clear, a label value is
        not declared, or two files lie on different grids; all missing files at once.
    """
    pairs = _pairs(predictions, references)
    score = partial(_score, labels=labels, metrics=metrics, system=predictions.name)
    if jobs == 1 or len(pairs) == 1:
        found = [score(*one) for one in pairs]
    else:
        with ProcessPoolExecutor(min(jobs, len(pairs))) as pool:
            found = list(pool.map(score, *zip(*pairs, strict=True)))
    return [row for rows in found for row in rows]


def _pairs(predictions: Path, references: Path) -> list[tuple[Path, Path]]:
    """Of every prediction its file and its reference's."""
    paths = without_probabilities(nifti_files(predictions))
    if not paths:
        raise DataError(f"{predictions}: no .nii or .nii.gz file to score.")
    pairing = pair(without_probabilities(nifti_files(references)), paths)
    if pairing.unclear:
        names = ", ".join(path.name for path in pairing.unclear)
        raise DataError(
            f"{references}: no reference for {names}, or more than one. Predictions and references "
            "are paired by file name: rename the files, or take the rest out."
        )
    reference_of = {prediction: reference for reference, prediction in pairing.labels.items()}
    return [(path, reference_of[path]) for path in paths]


def _score(
    prediction: Path, reference: Path, labels: Labels, metrics: Mapping[str, Metric], system: str
) -> list[Score]:
    return score_case(
        _load_labels(prediction, labels),
        _load_labels(reference, labels),
        labels,
        metrics,
        system=system,
        case=stem(prediction.name),
    )


def _load_labels(path: Path, labels: Labels) -> Volume:
    volume = load_volume(path)
    undeclared = sorted(set(np.unique(volume.data).tolist()) - set(range(labels.count)))
    if undeclared:
        raise DataError(
            f"{path}: label values {some_of(undeclared)} are not declared; the structures are "
            f"{labels.as_mapping()}. Name every structure, in the order of the values."
        )
    return volume
