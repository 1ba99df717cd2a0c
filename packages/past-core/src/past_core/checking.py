"""What must hold of a data set before anything is trained on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from past_core.errors import DataError
from past_core.headers import read_header
from past_core.volume import load_volume, same_grid

if TYPE_CHECKING:
    from pathlib import Path

    from past_core.case import Case
    from past_core.labels import Labels
    from past_core.volume import Volume

__all__ = [
    "SCORED",
    "case_problems",
    "part_problems",
    "place_doubts",
    "refuse",
    "volume_problems",
]


SCORED = ("test", "validation")
"""Parts whose scans may be among the target's too."""


def refuse(name: str, problems: list[str]) -> None:
    """Raise one error of all problems, if there are any.

    Raises
    ------
    DataError
        One line a problem.
    """
    if problems:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise DataError(f"data set {name}: {count}\n" + "\n".join(problems))


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


def place_doubts(images: Iterable[Path]) -> Iterator[str]:
    """What in the headers of scans makes one doubt where they lie: a line for each kind.

    Files that cannot be read are left to ``case_problems``.
    """
    found: dict[str, list[Path]] = {}
    for path in dict.fromkeys(images):
        with suppress(DataError):
            if doubt := read_header(path).doubt:
                found.setdefault(doubt, []).append(path)
    for doubt, paths in found.items():
        more = f", and so do {len(paths) - 1} more" if len(paths) > 1 else ""
        yield f"{paths[0]} {doubt}{more}. Look at the scans beside each other; mend the headers."


def case_problems(case: Case, labels: Labels) -> Iterator[str]:
    """What is wrong with a case's files, each line naming the file, the value and the remedy."""
    try:
        image = case.load_image()
        label = None if case.label is None else load_volume(case.label, np.float32)
    except DataError as error:
        yield str(error)
        return
    yield from volume_problems(case, image, label, labels)


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
        shown = f"{undeclared[:6]}{' and more' if len(undeclared) > 6 else ''}"
        yield (
            f"{case.label}: label values {shown} are not declared; the data set has "
            f"{labels.as_mapping()}. Declare or remove them."
        )
