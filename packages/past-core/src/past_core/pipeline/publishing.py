"""Segmentations where users look for them: ``segmentations/SYSTEM``, named as the scans are."""

from __future__ import annotations

import filecmp
import gzip
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from past_core.case import Case
from past_core.files import atomic_path
from past_core.pipeline.layout import SEGMENTATIONS, STAGES, label_path
from past_core.pipeline.opened import Run
from past_core.probabilities import PRECISIONS, probability_name

__all__ = ["file_names", "publish"]


def file_names(cases: Sequence[Case]) -> dict[str, str]:
    """Names of the files of cases' segmentations, by id.

    Each has its scan's name, or what its data set calls a segmentation; where two would have the
    same, or it is no printable text, they are called after their ids.
    """
    count = Counter(case.segmentation_name.casefold() for case in cases)
    return {
        case.id: case.segmentation_name
        if count[case.segmentation_name.casefold()] == 1 and case.segmentation_name.isprintable()
        else f"{case.id}.nii.gz"
        for case in cases
    }


def publish(run: Run) -> None:
    """Copy what systems made of each scan from their stages into ``segmentations``.

    What is there already is not copied again; folders of systems, and probabilities, that the run
    no longer has are removed.
    """
    names = run.record["segmentations"]
    systems = {system["name"]: system for system in run.record["systems"]}
    for system, entry in systems.items():
        place = run.segmentations(system)
        for case, name in names.items():
            made = label_path(run.folder / STAGES / entry["segmentations"], case)
            _copy(made, place / name, read=True)
            stage, kept = entry["probabilities"] or (None, None)
            for precision in PRECISIONS:
                beside = place / probability_name(name, precision)
                if stage is not None and precision == kept:
                    origin = run.folder / STAGES / stage / probability_name(made.name, precision)
                    _copy(origin, beside)
                else:
                    beside.unlink(missing_ok=True)
    for folder in (run.folder / SEGMENTATIONS).glob("*"):
        if folder.name not in systems:
            shutil.rmtree(folder)


def _copy(origin: Path, path: Path, *, read: bool = False) -> None:
    """Copy, unpacked if so named, what is not there already.

    ``read``: do not trust times alone. A copy of a whole run folder may give one time to all of its
    files, and a clock can be set back; probabilities are too large to be read each time.
    """
    time = origin.stat().st_mtime_ns
    if path.is_file() and path.stat().st_mtime_ns == time and not (read and _differ(origin, path)):
        return
    with atomic_path(path) as temporary:
        if path.suffix == origin.suffix:
            shutil.copyfile(origin, temporary)
        else:
            with gzip.open(origin) as packed, temporary.open("wb") as plain:
                shutil.copyfileobj(packed, plain)
        os.utime(temporary, ns=(time, time))


def _differ(origin: Path, path: Path) -> bool:
    if path.suffix == origin.suffix:
        return not filecmp.cmp(origin, path, shallow=False)
    with gzip.open(origin) as packed:
        return packed.read() != path.read_bytes()
