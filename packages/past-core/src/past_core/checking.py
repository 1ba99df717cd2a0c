"""What must hold of a data set before anything is trained on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from past_core.errors import ConfigError, DataError
from past_core.naming import LONGEST, fault_of_id
from past_core.problems import some_of
from past_core.volume import load_volume, same_grid

if TYPE_CHECKING:
    from past_core.case import Case
    from past_core.labels import Labels
    from past_core.roi import ROI
    from past_core.volume import Volume

__all__ = [
    "SCORED",
    "Checked",
    "check_case",
    "part_problems",
    "place_doubts",
    "region_problems",
    "structure_problems",
    "volume_problems",
]


SCORED = ("test", "validation")
"""Parts whose scans may be among the target's too."""


def part_problems(parts: Mapping[str, Sequence[Case]]) -> Iterator[str]:
    """What is wrong with the lists of cases, without reading a file.

    Parameters
    ----------
    parts
        ``source``, ``target``, ``test`` and ``validation``.
    """
    source, target, test = (parts[name] for name in ("source", "target", "test"))
    if len(source) < 2:
        yield f"source: {len(source)} case(s), but training needs at least 2."
    if len(target) < 2:
        yield f"target: {len(target)} case(s), but training needs at least 2."
    if not test:
        yield "test: no case to segment. Add at least one target scan."
    for name in ("source", "validation"):
        for case in parts[name]:
            if case.label is None:
                yield f"{case.image}: a {name} case without a label. Add it, or remove the image."
    yield from _name_problems(parts)
    known = {case.id: case for case in target}
    seen: set[str] = set()
    scored: set[str] = set()
    for name, part in parts.items():
        for case in part:
            both = name in SCORED and case.id in known
            if name in SCORED and case.id in scored:
                yield f"{case.image}: is to be scored twice. List it as test or as validation."
                continue
            if name in SCORED:
                scored.add(case.id)
            if case.id in seen and not (both and known[case.id].image == case.image):
                yield f"{case.image}: a second case is named {case.id}. Rename one of them."
            seen.add(case.id)


def _name_problems(parts: Mapping[str, Sequence[Case]]) -> Iterator[str]:
    """Ids that cannot name files, or name those of another case's copies."""
    names = {case.id: case for cases in parts.values() for case in cases}
    for name, case in names.items():
        if fault := fault_of_id(name):
            yield f"{case.image}: its id is {name[:LONGEST]!r}, but {fault}. Rename it."
        copied = re.fullmatch(r"(.+)_copy\d+", name)
        if copied and copied[1] in names:
            yield (
                f"{case.image}: its id is {name!r}, as that of a copy that PAST makes of "
                f"{copied[1]} would be. Rename it."
            )


def place_doubts(doubts: Iterable[tuple[str, str]]) -> Iterator[str]:
    """What in the headers of scans makes one doubt where they lie: a line for each kind.

    Parameters
    ----------
    doubts
        Path and ``Header.doubt`` of scans; what is said twice of one counts once.
    """
    found: dict[str, dict[str, None]] = {}
    for path, doubt in doubts:
        if doubt:
            found.setdefault(doubt, {})[path] = None
    for doubt, (first, *others) in found.items():
        more = f", and so do {len(others)} more" if others else ""
        yield f"{first} {doubt}{more}. Look at the scans beside each other; mend the headers."


@dataclass(frozen=True)
class Checked:
    """What a case's files were found to hold."""

    problems: tuple[str, ...]
    """Each names the file, the value and the remedy."""
    structures: tuple[int, ...] = ()
    """Values in its label, background aside."""
    kept: tuple[int, ...] = ()
    """Those of them that the region of interest keeps some voxel of."""


def check_case(case: Case, labels: Labels, roi: ROI) -> Checked:
    """Read a case's files and say what is wrong with them, and what the label shows."""
    try:
        image = case.load_image()
        label = None if case.label is None else load_volume(case.label, np.float32)
    except DataError as error:
        return Checked((str(error),))
    problems = [
        *volume_problems(case, image, label, labels),
        *region_problems(case, image, roi),
    ]
    if problems or label is None:
        return Checked(tuple(problems))
    whole, kept = (np.unique(one.data).astype(int).tolist() for one in (label, roi.crop(label)))
    return Checked((), tuple(set(whole) - {0}), tuple(set(kept) - {0}))


def region_problems(case: Case, image: Volume, roi: ROI) -> Iterator[str]:
    """What is wrong with the part of an image that models see."""
    try:
        inside = roi.crop(image)
    except ConfigError as error:
        yield f"{case.image}: {error}"
        return
    if min(image.shape) < 2:
        yield (
            f"{case.image}: {' x '.join(map(str, image.shape))} voxels, a single slice. Give the "
            "whole volume, or drop the case."
        )
    elif min(inside.shape) < 2:
        yield (
            f"{case.image}: {' x '.join(map(str, inside.shape))} voxels are in the region of "
            "interest, too few along one axis. Widen the region (roi), or drop the case."
        )
    elif inside.data.min() == inside.data.max() and image.data.min() < image.data.max():
        yield (
            f"{case.image}: every voxel in the region of interest is {inside.data.flat[0]:g}. Move "
            "the region (roi), or drop the case."
        )


def structure_problems(source: Sequence[Checked], labels: Labels) -> Iterator[str]:
    """Structures that no source scan teaches; only of cases that nothing else is wrong with."""
    if not source or any(one.problems for one in source):
        return
    for value, name in enumerate(labels.structures, start=1):
        if not any(value in one.structures for one in source):
            yield (
                f"source: no label holds {name} (value {value}), so nothing can learn it. Add "
                "scans that show it, or leave it out of the structures."
            )
        elif not any(value in one.kept for one in source):
            yield (
                f"source: the region of interest leaves out all of {name} (value {value}) in every "
                "label. Move or widen the region (roi)."
            )


def volume_problems(
    case: Case, image: Volume, label: Volume | None, labels: Labels
) -> Iterator[str]:
    """What is wrong with what a case's files hold.

    Parameters
    ----------
    image, label
        As they were read; the label float32, so that values that are no integers are seen.
    """
    if not np.isfinite(image.data).all():
        bad = int((~np.isfinite(image.data)).sum())
        yield f"{case.image}: {bad} voxels are NaN or infinite. Replace them, or drop the case."
    elif image.data.min() == image.data.max():
        yield f"{case.image}: every voxel is {image.data.flat[0]}. Drop the case or export it anew."
    if label is None:
        return
    if not same_grid(image, label):
        yield (
            f"{case.label}: the label lies on another grid than its image "
            f"(shape {label.data.shape} against {image.data.shape}"
            f"{', same shape but another affine' if label.data.shape == image.data.shape else ''}"
            "). Resample the label onto the image with nearest-neighbour interpolation."
        )
    undeclared = sorted(set(np.unique(label.data).tolist()) - set(range(labels.count)))
    if undeclared:
        yield (
            f"{case.label}: label values {some_of(undeclared)} are not declared; the data set has "
            f"{labels.as_mapping()}. Declare or remove them."
        )
