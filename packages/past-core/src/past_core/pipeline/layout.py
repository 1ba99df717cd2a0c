"""Where a run keeps what: the names that stages and the report agree on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from past_core.case import Case

__all__ = [
    "STAGES",
    "copy_of",
    "fit_stage",
    "image_path",
    "label_path",
    "model_path",
    "placed",
    "probability_path",
    "segment_stage",
]

STAGES = "stages"
"""Folder of the stages within a run folder."""


def image_path(folder: Path, case: Case) -> Path:
    """The image that a stage wrote for a case."""
    return folder / f"{case.id}_image.nii.gz"


def label_path(folder: Path, case: Case) -> Path:
    """The label, pseudo-label or segmentation that a stage wrote for a case."""
    return folder / f"{case.id}_label.nii.gz"


def probability_path(folder: Path, case: Case) -> Path:
    """The class probabilities that a stage wrote for a case, ``(c, i, j, k)`` float16."""
    return folder / f"{case.id}_probabilities.npy"


def model_path(folder: Path) -> Path:
    """The finished model of a fitting stage."""
    return folder / "model"


def fit_stage(system: str) -> str:
    """The stage that trains a system's segmenter."""
    return f"fit-{system}"


def segment_stage(system: str) -> str:
    """The stage in which a system segments the test cases."""
    return f"segment-{system}"


def copy_of(case: Case, number: int) -> Case:
    """The ``number``-th varied copy of a case, 1, 2, ...; its label is the case's own."""
    return replace(case, id=f"{case.id}_copy{number}")


def placed(cases: Iterable[Case], images: Path, labels: Path | None) -> list[Case]:
    """The same cases with their files as stages wrote them."""
    return [
        replace(
            case,
            image=image_path(images, case),
            label=None if labels is None else label_path(labels, case),
        )
        for case in cases
    ]
