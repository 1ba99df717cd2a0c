"""What must hold when the disk refuses something."""

from __future__ import annotations

import re
from pathlib import Path

from tests.faults.commands import Said, Toy
from tests.faults.injected import EachSiteOnce
from tests.faults.moments import Undisturbed
from tests.faults.mounts import remount
from tests.faults.wholeness import half_written, temporary

REMEDY = re.compile(
    r"Make room|read-only|Permission is missing|does not answer|Raise it|Check the space"
    r"|Choose another folder|copy it again|cannot be read|Check the path"
)


def refused(toy: Toy, said: Said, reason: str = "", place: Path | None = None) -> None:
    """An error of the project's own, with file and remedy; nothing half-written.

    ``place``: where the file is, if not in the command's place.
    """
    assert said.code == 1, f"{toy.run}: code {said.code}: {said.text}"
    for sign in ("Traceback", "Logging error", "Exception ignored"):
        assert sign not in said.text, said.text
    error = said.text[said.text.rindex("Error: ") :]
    assert str(place or toy.place) in error, said.text
    assert REMEDY.search(error), said.text
    assert reason in error, said.text
    assert not (bad := half_written(toy.run)), bad


def goes_on(toy: Toy, undisturbed: Undisturbed) -> None:
    """The same command ends with the same table, and leaves no temporary file."""
    said = toy.go()
    assert said.code == 0, said.text
    assert toy.table() == undisturbed.table
    assert not (bad := half_written(toy.run)), bad
    assert not (left := temporary(toy.run)), left


def fail_everywhere(toy: Toy, inject: EachSiteOnce) -> int:
    """Repeat the command until no site is left that has not failed; how many have.

    Of some a run can do without: those it passes.
    """
    before = -1
    while (count := len(_lines(inject.failed))) != before:
        before = count
        said = toy.go(inject)
        if said.code == 0:
            assert "Traceback" not in said.text, said.text
            assert not (bad := half_written(toy.run)), bad
        else:
            refused(toy, said, place=inject.folder)
    return before


def fill_up(toy: Toy, disk: Path, *, start: int, step: int, most: int) -> int:
    """Let a tmpfs grow by so many KiB until the command ends; how often it was full."""
    for number in range(most):
        remount(disk, f"size={start + number * step}k")
        said = toy.go()
        if said.code == 0:
            return number
        refused(toy, said, "No space left on device")
        assert "MiB free of" in said.text, said.text
    return most


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
