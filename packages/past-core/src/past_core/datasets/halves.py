"""Two data sets of one contrast each, as other tools keep them, joined to one of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from past_core.case import Case, Domain
from past_core.dataset import Dataset
from past_core.datasets.parts import note, structures, told_apart
from past_core.files import is_file
from past_core.naming import SUFFIXES, case_id, stem
from past_core.problems import listing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from past_core.labels import Labels

__all__ = ["Half", "Scan", "joined"]

Scan = tuple["Path", "Path | None"]
"""An image, and its label if there is one."""


@dataclass(frozen=True)
class Half:
    """What one of the two data sets lists."""

    where: Path
    """Its folder or list, for messages."""
    labels: Labels | None
    """Its structures, where it says what they are and nobody else does."""
    training: Sequence[Scan]
    validation: Sequence[Scan] = ()
    test: Sequence[Scan] = ()


def joined(
    name: str,
    source: Half,
    target: Half,
    labels: str = "",
    identify: Callable[[Path], str] = lambda image: case_id(stem(image.name)),
) -> Dataset:
    """Take training scans of ``source`` with their labels, and all scans of ``target``.

    Labels of the target's training scans serve the oracle alone. Validation and test scans of
    the source have no use.

    Parameters
    ----------
    labels
        Structures as in ``vs=1,cochlea=2``, where neither half declares any; left empty, those
        found in source labels.
    identify
        A case's id from its image.

    Raises
    ------
    past_core.errors.DataError
        Naming every file that is missing or no NIfTI, and every scan that lacks its label; or
        if the halves declare different structures.
    """
    listed = {
        "source": (source, source.training, Domain.SOURCE),
        "target": (target, target.training, Domain.TARGET),
        "test": (target, target.test, Domain.TARGET),
        "validation": (target, target.validation, Domain.TARGET),
    }
    problems = [
        problem
        for half, scans, _ in listed.values()
        for scan in scans
        for problem in _files(half, scan)
    ]
    for part in ("source", "target"):
        half, scans, _ = listed[part]
        if not scans:
            problems.append(f"{half.where}: no training scan is in it. Name the {part}'s data set.")
    for part in ("source", "validation"):
        problems += [
            f"{image}: no label for this {part} scan. Add it, or take the image out."
            for image, label in listed[part][1]
            if label is None
        ]
    problems += _differences(source, target)
    if problems:
        places = dict.fromkeys((source.where, target.where))
        raise listing(" and ".join(map(str, places)), problems)
    parts = told_apart(
        {
            part: tuple(Case(identify(image), domain, image, label) for image, label in scans)
            for part, (_, scans, domain) in listed.items()
        }
    )
    return Dataset(
        name,
        source.labels or target.labels or structures(labels, parts["source"]),
        parts["source"],
        parts["target"],
        parts["test"],
        parts["validation"],
        notes=tuple(note(part, cases) for part, cases in parts.items() if cases),
    )


def _files(half: Half, scan: Scan) -> Iterator[str]:
    for path in scan:
        if path is None:
            continue
        if not path.name.endswith(SUFFIXES):
            yield f"{path}: PAST reads .nii and .nii.gz. Convert it to NIfTI."
        elif not is_file(path):
            yield f"{path}: no such file, but {half.where} lists it. Add it, or correct the list."


def _differences(source: Half, target: Half) -> Iterator[str]:
    if source.labels and target.labels and source.labels != target.labels:
        ours, theirs = (
            ", ".join(half.labels.structures) for half in (source, target) if half.labels
        )
        yield (
            f"{target.where}: has the structures {theirs}, but {source.where} has {ours}. Give "
            "both the same, or say which values they have by --set dataset.labels=NAME=1,NAME=2."
        )
