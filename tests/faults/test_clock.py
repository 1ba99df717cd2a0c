"""The clock of the day is nothing that a result, or what is done again, may depend on."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.clocks import Jumping, set_times
from tests.faults.commands import Toy
from tests.faults.disk import goes_on
from tests.faults.wholeness import finished

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
ROOT = Path(__file__).parents[2]


def seconds_of(toy):
    manifests = [json.loads(path.read_text()) for path in toy.stages.glob("*/manifest.json")]
    return [one["wall_seconds"] for one in manifests if one["finished"]]


def test_a_clock_that_jumps_at_every_look(toy, undisturbed, tmp_path):
    one = Toy(tmp_path / "place", toy.data)
    said = one.go(Jumping(1))
    assert said.code == 0, said.text
    goes_on(one, undisturbed)
    assert all(0 <= seconds < 60 for seconds in seconds_of(one))
    assert "-" not in "".join(line.split()[1] for line in rows(one.run / "stages.txt"))
    for seconds in (0.0, 7258118400.0):
        set_times(one.run, seconds)
        done = finished(one.stages)
        assert one.go(Jumping(2)).code == 0
        assert finished(one.stages) == done
    # Times say nothing of what is older.
    set_times(one.run, 1e9, random.Random(1))
    goes_on(one, undisturbed)
    assert finished(one.stages).keys() == done.keys()


def rows(path):
    return [line for line in path.read_text().splitlines()[3:] if len(line.split()) > 2]


@pytest.mark.skipif(LIBRARY is None, reason="libfaketime (Debian's package) is not installed")
def test_days_of_the_whole_process_that_go_back(toy, undisturbed, tmp_path):
    """Native code, too, and workers."""
    one = Toy(tmp_path / "place", toy.data)
    for until, day in (("check", "+300d"), ("translate", "@1970-01-02 00:00:00"), (None, "-1d")):
        command = [*one.command[1:], "--jobs", "1", *(("--until", until) if until else ())]
        before = finished(one.stages)
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.toy_command", *command],
            cwd=ROOT,
            env=os.environ | {"LD_PRELOAD": str(LIBRARY), "FAKETIME": day, "PYTHONPATH": PATH},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{day}: {done.stdout}{done.stderr}"
        assert finished(one.stages).items() >= before.items()
    goes_on(one, undisturbed)
    assert all(0 <= seconds < 100 for seconds in seconds_of(one))


PATH = os.pathsep.join(path for path in sys.path if path)
