"""Two commands on one run folder, and what is left of one that was killed."""

from __future__ import annotations

import json
import os
import platform
import re
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.faults.commands import Toy
from tests.faults.disk import goes_on
from tests.faults.wholeness import finished, inventory


@dataclass(frozen=True)
class Held:
    """Training waits until it may go on: a long one."""

    gate: Path

    def __call__(self) -> None:
        os.environ["TOY_WAITS"] = str(self.gate)


def training(toy: Toy):
    """A look at whether the translator's training has begun."""
    return lambda: any(toy.stages.glob("fit-aligned-*/work"))


def test_a_second_command_is_told_who_holds_the_folder_and_changes_nothing(
    toy, undisturbed, tmp_path
):
    one = Toy(tmp_path / "place", toy.data)
    gate = tmp_path / "gate"
    first = one.start(Held(gate))
    assert first.wait_for(training(one))
    before = inventory(one.run)
    second = one.say(*one.command[1:])
    assert second.code == 1
    told = re.search(
        rf"run: another run is using this folder \(process (\d+) on {platform.node()}, since "
        r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d",
        second.text,
    )
    assert told, second.text
    assert int(told[1]) == first.process.pid
    assert inventory(one.run) == before
    first.signal(signal.SIGKILL, to_all=False)
    first.ended()
    goes_on(one, undisturbed)
    assert not (one.run / ".owner.json").exists()


def test_workers_of_a_killed_command_write_nothing_while_the_next_one_runs(
    toy, undisturbed, tmp_path
):
    """One that cannot end yet, as in a long call of native code, is waited for."""
    one = Toy(tmp_path / "place", toy.data, jobs=2)
    gate = tmp_path / "gate"
    first = one.start(Held(gate))
    assert first.wait_for(training(one))
    (manifest,) = one.stages.glob("fit-aligned-*/manifest.json")
    worker = psutil.Process(json.loads(manifest.read_text())["process"])
    assert worker.pid != first.process.pid
    worker.suspend()
    try:
        done = finished(one.stages)
        first.signal(signal.SIGKILL, to_all=False)
        first.process.join()
        held = inventory(manifest.parent)
        second = one.start()
        # All that does not wait for the translator; which it would have begun with.
        assert second.wait_for(
            lambda: any(n.startswith("score-plain") for n in finished(one.stages))
        )
        assert second.process.is_alive()
        assert inventory(manifest.parent) == held
        gate.write_text("")
    finally:
        worker.resume()
    said = second.ended()
    assert said.code == 0, said.text
    assert json.loads(manifest.read_text())["process"] != worker.pid
    assert finished(one.stages).items() >= done.items()
    goes_on(one, undisturbed)


def test_the_words_of_a_killed_holder_are_not_taken_for_those_of_the_next(tmp_path):
    from past_core.pipeline.claimed import _told

    owner = tmp_path / ".owner.json"
    said = {"process": 2**22 + 1, "host": platform.node(), "since": "2026-01-01"}
    owner.write_text(json.dumps(said))
    assert _told(owner) == ""
    owner.write_text(json.dumps(said | {"host": "elsewhere"}))
    assert "elsewhere" in _told(owner)
    for text in ("", "[]", "{}", '"x"'):
        owner.write_text(text)
        assert _told(owner) == ""


@pytest.mark.parametrize("jobs", [1, 2])
def test_sigterm_says_as_much_as_sigint(toy, tmp_path, jobs):
    one = Toy(tmp_path / "place", toy.data, jobs=jobs)
    for number, word in ((signal.SIGTERM, "Ended by SIGTERM"), (signal.SIGINT, "Interrupted")):
        command = one.start(Held(tmp_path / "gate"))
        assert command.wait_for(training(one))
        command.signal(number, to_all=False)
        said = command.ended()
        assert said.code == 128 + number
        assert f"{word}. The same command goes on from here." in said.text
        assert "Traceback" not in said.text
        assert not list(one.run.rglob("*.partial*"))
        for leftover in one.stages.glob("fit-aligned-*/work"):
            leftover.rmdir()  # so that the next one is seen to begin
