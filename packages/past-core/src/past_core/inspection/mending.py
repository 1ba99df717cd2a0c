"""Sound copies of labels that are right but for rounding."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from past_core.case import Case
from past_core.dataset import Dataset
from past_core.errors import DataError
from past_core.files import write_json
from past_core.inspection.findings import Inspection
from past_core.naming import SUFFIXES
from past_core.volume import Volume, load_volume, save_volume

__all__ = ["mend"]


def mend(dataset: Dataset, inspection: Inspection, folder: Path) -> list[Path]:
    """Write a data set of the same scans whose mendable labels are sound copies.

    ``folder`` gets ``dataset.json``, ``images`` with links to the scans, and ``labels`` with the
    copies: rounded to integers, on their images' own grids. No original is touched. What cannot be
    mended is linked to as it is.

    Returns
    -------
    list of Path
        The copies.

    Raises
    ------
    DataError
        If ``folder`` is there and not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise DataError(f"{folder}: is not empty. Name another folder for the mended copies.")
    mendable = {one.label for one in inspection.cases if one.mendable}
    copies: dict[str, Path] = {}
    for case in dataset.cases():
        if str(case.label) in mendable and str(case.label) not in copies:
            copies[str(case.label)] = _copy(case, folder)
    regions = {"roi": dataset.roi, "translation_roi": dataset.translation_roi}
    write_json(
        folder / "dataset.json",
        {
            "name": dataset.name,
            "labels": dataset.labels.as_mapping(),
            **{
                part: [_entry(case, copies, folder) for case in cases]
                for part, cases in dataset.parts().items()
            },
            **{name: asdict(roi) for name, roi in regions.items() if roi is not None},
        },
    )
    return list(copies.values())


def _copy(case: Case, folder: Path) -> Path:
    assert case.label is not None
    label = load_volume(case.label, np.float32)
    path = folder / "labels" / f"{case.id}.nii.gz"
    save_volume(Volume(np.rint(label.data).astype(np.uint8), case.load_image().affine), path)
    return path


def _linked(path: Path, folder: Path, case: Case) -> str:
    """Make a link to a file, called after its case; its path in the folder around."""
    suffix = next(suffix for suffix in SUFFIXES if path.name.endswith(suffix))
    link = folder / f"{case.id}{suffix}"
    folder.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(path.resolve())
    return f"{folder.name}/{link.name}"


def _entry(case: Case, copies: dict[str, Path], folder: Path) -> dict[str, Any]:
    entry: dict[str, Any] = {"image": _linked(case.image, folder / "images", case), "id": case.id}
    if case.label is not None:
        copy = copies.get(str(case.label))
        entry["label"] = (
            _linked(case.label, folder / "labels", case)
            if copy is None
            else copy.relative_to(folder).as_posix()
        )
    if case.protocol is not None:
        entry["protocol"] = case.protocol
    return entry
