"""Whatever the disk refuses: an error that names it, nothing half-written, and a way on."""

from __future__ import annotations

import pytest

from tests.faults.commands import Toy, fresh
from tests.faults.disk import fail_everywhere, fill_up, goes_on, refused
from tests.faults.injected import EachSiteOnce, LargestFile
from tests.faults.mounts import CannotMountError, remount, small_disk


@pytest.mark.parametrize("reading", [False, True])
def test_a_refused_write_or_read_is_told_and_the_same_command_goes_on(toy, undisturbed, reading):
    one = fresh(toy, f"refused-{reading}")
    failed = toy.place / f"failed-{reading}"
    count = fail_everywhere(one, EachSiteOnce(one.run, failed, 40, 3, reading))
    assert count >= 2
    goes_on(one, undisturbed)


def test_a_file_that_is_cut_off_while_written_is_not_left(toy, undisturbed):
    """By the kernel, at some byte of whatever native code writes."""
    one = fresh(toy, "cut-off")
    for size in (2500,):
        refused(one, one.go(LargestFile(size)), "File too large")
    goes_on(one, undisturbed)


@pytest.fixture
def disk(tmp_path):
    """A disk of 64 MB of its own."""
    try:
        with small_disk(tmp_path / "disk", "64m") as folder:
            yield folder
    except CannotMountError as error:
        pytest.skip(str(error))


def test_a_full_disk_is_named_with_what_is_free(toy, undisturbed, disk):
    one = Toy(disk / "place", toy.data)
    assert fill_up(one, disk, start=150, step=400, most=2) == 2
    remount(disk, "size=64m")
    goes_on(one, undisturbed)


def test_a_disk_that_becomes_read_only_half_way(toy, undisturbed, disk):
    one = Toy(disk / "place", toy.data)
    command = one.start()
    assert command.wait_for(lambda: any(one.stages.glob("crop-target-*/manifest.json")))
    # No file system becomes so while files are open for writing; the second try then does.
    while command.process.is_alive():
        try:
            remount(disk, "ro")
        except Exception:
            continue
        break
    refused(one, command.ended(), "read-only")
    refused(one, one.go(), "ead-only")
    remount(disk, "rw")
    goes_on(one, undisturbed)
    remount(disk, "ro")
    said = one.say("show", str(one.run), "--stages", "--systems")
    assert said.code == 0, said.text
    assert "upper" in said.text
    refused(one, one.go(), "ead-only")
    assert one.say("clean", str(one.run)).code == 1
