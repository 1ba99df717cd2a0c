"""What readers that gather scans from several places share."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from past_core.errors import DataError
from past_core.labels import Labels
from past_core.volume import load_volume

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from past_core.case import Case

__all__ = ["note", "outside", "structures", "told_apart"]

SHOWN = 3
"""Pairs of image and label that a note has."""


def told_apart(parts: Mapping[str, tuple[Case, ...]]) -> dict[str, tuple[Case, ...]]:
    """The parts, no two scans of which have one id; a scan that is in two parts keeps its own.

    Where scans in different folders have one name, a later one's begins with its part, or with its
    folder if that is not enough. Two of one folder (``a.nii`` and ``a.nii.gz``) are left to the
    check of the data.
    """
    known: dict[str, Path] = {}
    ids: dict[Path, str] = {}
    for part, cases in parts.items():
        for case in cases:
            if case.image in ids:
                continue
            ids[case.image] = next(
                name
                for name in _names(part, case)
                if name not in known or known[name].parent == case.image.parent
            )
            known.setdefault(ids[case.image], case.image)
    return {
        part: tuple(replace(case, id=ids[case.image]) for case in cases)
        for part, cases in parts.items()
    }


def _names(part: str, case: Case) -> Iterator[str]:
    """Ids that a case may have, the plainest first."""
    folder = case.image.parent.name
    yield from (case.id, f"{part}-{case.id}", f"{folder}-{case.id}", f"{part}-{folder}-{case.id}")
    yield from (f"{part}-{folder}-{case.id}-{number}" for number in count(2))


def note(part: str, cases: Sequence[Case]) -> str:
    """How many scans a part has, and which label was taken for which."""
    labelled = [case for case in cases if case.label is not None]
    said = f"{part}: {len(cases)} scans"
    if not labelled:
        return said
    pairs = [
        f"{case.image.name} = {case.label.name}"
        for case in labelled
        if case.label is not None and case.label.name != case.image.name
    ]
    more = f", and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else ""
    how = f"by name ({'; '.join(pairs[:SHOWN])}{more})" if pairs else "of the same names"
    return f"{said}, {len(labelled)} with labels {how}"


def structures(text: str, source: Sequence[Case]) -> Labels:
    """Structures by ``vs=1,cochlea=2``; of an empty text, those that source labels have.

    The latter are called after their values: ``label1``, ``label2``.

    Raises
    ------
    DataError
        If the text is no such list, or the values have a gap.
    """
    if text:
        return Labels.from_text(text, "labels")
    found: dict[int, Path] = {}
    for case in source:
        assert case.label is not None
        present = np.unique(load_volume(case.label).data)
        for value in present[np.isfinite(present)]:  # the check of the data says what is wrong
            found.setdefault(round(float(value)), case.label)
    values = sorted(value for value in found if value)
    if not values or values != list(range(1, len(values) + 1)):
        first = ", ".join(f"{value} ({found[value].name})" for value in values[:6])
        raise DataError(
            f"source labels have the values {first or '0 alone'}; structures must be 1, 2, ... "
            "without gaps. Renumber the label files, or, if these are intensities of scans, name "
            "the folder of labels."
        )
    return Labels(tuple(f"label{value}" for value in values))


def outside(folder: Path, base: Path, paths: Iterable[str | None], where: str) -> Iterator[str]:
    """A problem for each path that leads out of the data set's folder, to judge by its text.

    Parameters
    ----------
    folder
        Of the data set.
    base
        What the paths are relative to.
    where
        Which list has them, for the message.
    """
    within = os.path.normpath(folder)
    for path in paths:
        plain = not path or not (path.startswith("/") or ".." in path)
        if not plain and not Path(os.path.normpath(base / str(path))).is_relative_to(within):
            yield (
                f"{where}: {path} leads out of {folder}. List files below it, or allow this with "
                "--set dataset.outside=true."
            )
