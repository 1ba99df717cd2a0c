"""Where a run keeps what: the names that stages and readers of a run agree on."""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "APPLICATION",
    "CHOICE",
    "GRIDS",
    "INVENTORY",
    "LOCK",
    "LOG",
    "MANIFEST",
    "OWNER",
    "PROGRESS",
    "RECIPE",
    "RUN",
    "SCORES",
    "SEGMENTATIONS",
    "SELECTION",
    "STAGES",
    "SYSTEMS",
    "TRUST",
    "TRUST_TABLE",
    "copy_id",
    "image_path",
    "label_path",
    "model_path",
    "probability_path",
    "weights_path",
]

STAGES = "stages"
"""Folder of the stages within a run folder."""
RUN, RECIPE, SYSTEMS, SCORES = "run.json", "recipe.toml", "systems.toml", "scores.csv"
TRUST_TABLE, APPLICATION = "trust.csv", "application.json"
"""Files of a run folder: what it was made of, its settings, systems, scores, figures of trust, and
how its systems are applied to other scans."""
SEGMENTATIONS = "segmentations"
"""Folder of each system's segmentations, named as the scans, within a run folder."""
LOCK = ".lock"
"""File of a run's folder, and of a stage's, that who writes there holds."""
OWNER = ".owner.json"
"""File of a run's folder: who holds its lock, while somebody does."""
MANIFEST, LOG, PROGRESS = "manifest.json", "log.txt", "progress.json"
"""Files of every stage's folder; the last while another process is at work in it."""
INVENTORY = "inventory.json"
"""What the check of the data set leaves."""
CHOICE = "choice.json"
"""Label-free figures of several systems, and the one that was chosen by them."""
TRUST = "trust.json"
"""Label-free figures of the chosen system on each scan that it was applied to."""
SELECTION = "selection.json"
"""How much each pseudo-labelled scan counts, and what of it was predicted and kept."""
GRIDS = "grids.json"
"""Shapes and affines of the original scans, beside the cropped ones."""


def image_path(folder: Path, case_id: str) -> Path:
    """The image that a stage wrote for a case."""
    return folder / f"{case_id}_image.nii.gz"


def label_path(folder: Path, case_id: str) -> Path:
    """The label, pseudo-label or segmentation that a stage wrote for a case."""
    return folder / f"{case_id}_label.nii.gz"


def probability_path(folder: Path, case_id: str) -> Path:
    """The class probabilities that a stage wrote for a case, ``(c, i, j, k)`` float16."""
    return folder / f"{case_id}_probabilities.npy"


def weights_path(folder: Path, case_id: str) -> Path:
    """How much each voxel of a pseudo-label counts, 0 to 1, if they do not count alike."""
    return folder / f"{case_id}_weights.nii.gz"


def model_path(folder: Path) -> Path:
    """The finished model of a fitting stage."""
    return folder / "model"


def copy_id(case_id: str, number: int) -> str:
    """Id of the ``number``-th varied copy of a case, 1, 2, ..."""
    return f"{case_id}_copy{number}"
