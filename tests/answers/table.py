"""Every case, and the answer that it gets."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.answers import datasets, headers, options, plugins, runs  # noqa: F401  (they enter cases)
from tests.answers.asking import Answer
from tests.answers.place import ALL, Place, Wrong, first_places

__all__ = ["ALL", "answered", "faults"]

MOST_SECONDS = 20
"""Of processor time: what takes longer hangs. How long each takes, the page of answers says."""
MOST = 500
"""MB above start."""
LONGEST = 30_000
"""Characters of an answer."""


def answered(case: Wrong, first: Path, folder: Path) -> Answer:
    """Try one case in a new folder."""
    folder.mkdir()
    place = Place(folder, first)
    return place.asked(case.spoil(place), limit=30)


def faults(case: Wrong, answer: Answer) -> Iterator[str]:
    """What is wrong with an answer."""
    said = answer.out + answer.err
    if "Traceback (most recent call last)" in said:
        yield "a traceback"
    if answer.code != case.code:
        yield f"exit code {answer.code}, not {case.code}"
    for part in case.says:
        if part not in said:
            yield f"{part!r} is not said"
    if not answer.processor < MOST_SECONDS:
        yield f"{answer.processor:.1f} seconds"
    if not answer.megabytes < MOST:
        yield f"{answer.megabytes:.0f} MB"
    if len(said) > LONGEST:
        yield f"{len(said)} characters"


def survey(chosen: str = "") -> Iterator[tuple[Wrong, Answer]]:
    """Every case whose name holds these letters, with its answer."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        first = first_places(root / "first")
        for number, case in enumerate(case for case in ALL if chosen in str(case)):
            yield case, answered(case, first, root / str(number))
