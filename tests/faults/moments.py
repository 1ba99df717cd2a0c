"""Signals at random moments over a run; what must hold afterwards."""

from __future__ import annotations

import json
import random
import signal
from collections import Counter
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.faults.commands import Command, Toy, fresh
from tests.faults.wholeness import finished, half_written, kinds, temporary

OUTSIDE = "outside of stages"
"""While the command plans, publishes or draws."""


@dataclass(frozen=True)
class Moment:
    """When which signal is sent."""

    stage: str | None
    """After this one has begun; None: after the last one is finished."""
    delay: float
    """Seconds after that."""
    number: signal.Signals
    to_all: bool
    """To workers as well, as when a job's time is over."""


@dataclass
class Undisturbed:
    """What a run is that nothing happens to."""

    table: bytes
    order: list[str]
    """Stages as they were begun."""
    seconds: dict[str, float]
    kinds: dict[str, str]


def draw(number: int, undisturbed: Undisturbed, seed: int) -> list[Moment]:
    """So many moments: every kind of stage in turn, somewhere within it; in order of stages."""
    drawn = random.Random(seed)
    by_kind: dict[str, list[str | None]] = {OUTSIDE: [None]}
    for stage in undisturbed.order:
        by_kind.setdefault(undisturbed.kinds[stage], []).append(stage)
    rest: list[str] = []
    moments = []
    for index in range(number):
        if not rest:
            rest = drawn.sample(sorted(by_kind), len(by_kind))
        stage = drawn.choice(by_kind[rest.pop()])
        length = 0.5 if stage is None else undisturbed.seconds[stage]
        signal_ = (signal.SIGKILL, signal.SIGTERM)[index % 2]
        moments.append(Moment(stage, drawn.uniform(0, length), signal_, drawn.random() < 0.5))
    places = {stage: place for place, stage in enumerate(undisturbed.order)}
    return sorted(moments, key=lambda one: places.get(one.stage or "", len(places)))


class Sweep:
    """Sends signals one after the other, each into the same command begun again."""

    def __init__(self, toy: Toy, undisturbed: Undisturbed) -> None:
        self.first = toy
        self.undisturbed = undisturbed
        self.numbers = count(1)
        self.toy = fresh(toy, "disturbed-1")
        self.kept: dict[str, tuple[int, int]] = {}
        self.struck: Counter[tuple[str, str]] = Counter()
        """By signal and kind of stage, how often."""

    def strike(self, moment: Moment) -> None:
        """Send one signal; if its stage is over already, in a new run folder."""
        if moment.stage in self.kept:
            self.end()
            self.toy = fresh(self.first, f"disturbed-{next(self.numbers) + 1}")
        before = set(kinds(self.toy.stages)) - set(finished(self.toy.stages))
        command = self.toy.start()
        if not self._reached(command, moment):
            self._check(command.ended().code == 0, "ended by itself")
            return
        command.process.join(moment.delay)
        if command.process.is_alive():
            command.signal(moment.number, to_all=moment.to_all)
        said = command.ended()
        begun = kinds(self.toy.stages)
        done = finished(self.toy.stages)
        open_ = [begun[stage] for stage in begun if stage not in done and stage not in before]
        kind = open_[0] if open_ else OUTSIDE
        self.struck[moment.number.name, kind] += said.code != 0
        self._check_end(moment, said.code, said.text)
        self._check(not (bad := half_written(self.toy.run)), str(bad))
        self._check_kept(done)

    def end(self) -> None:
        """The same command without a signal; then all must be as if nothing had happened."""
        said = self.toy.go()
        self._check(said.code == 0, said.text)
        self._check_kept(finished(self.toy.stages))
        self._check(self.toy.table() == self.undisturbed.table, "another table")
        self._check(set(self.kept) == set(self.undisturbed.order), "other stages")
        self._check(not (left := temporary(self.toy.run)), str(left))
        self._check(not (bad := half_written(self.toy.run)), str(bad))
        self.kept = {}

    def _reached(self, command: Command, moment: Moment) -> bool:
        if moment.stage is None:
            last = [self.toy.stages / name / "manifest.json" for name in self.undisturbed.order]
            return command.wait_for(
                lambda: all(map(Path.exists, last)) and len(finished(self.toy.stages)) == len(last)
            )
        path = self.toy.stages / moment.stage / "manifest.json"
        since = path.stat().st_ino if path.exists() else None
        return command.wait_for(lambda: path.exists() and path.stat().st_ino != since)

    def _check_end(self, moment: Moment, code: int, text: str) -> None:
        if moment.number == signal.SIGKILL:
            self._check(code in (-signal.SIGKILL, 0), text)
            return
        self._check("Traceback" not in text, text)
        # It may have ended a moment before.
        self._check(code in (128 + signal.SIGTERM, 0), f"code {code}: {text}")
        if code:
            self._check("Ended by SIGTERM. The same command goes on from here." in text, text)

    def _check_kept(self, done: dict[str, tuple[int, int]]) -> None:
        for stage, state in done.items():
            self._check(self.kept.setdefault(stage, state) == state, f"{stage} was done again")
        self._check(self.kept.keys() <= done.keys(), "what was finished is not any more")

    def _check(self, holds: bool, otherwise: str) -> None:
        assert holds, f"{self.toy.run}: {otherwise}"


def undisturbed_run(toy: Toy) -> Undisturbed:
    """Do the command, and look at what it left."""
    said = toy.go()
    assert said.code == 0, said.text
    return look(toy)


def look(toy: Toy) -> Undisturbed:
    """What a finished run left."""
    manifests = {
        p.parent.name: json.loads(p.read_text()) for p in toy.stages.glob("*/manifest.json")
    }
    order = json.loads((toy.run / "run.json").read_text())["stages"]
    assert set(order) == set(manifests)
    begun = {name: (toy.stages / name / "manifest.json").stat().st_mtime_ns for name in order}
    return Undisturbed(
        toy.table(),
        sorted(order, key=lambda name: begun[name]),
        {name: one["wall_seconds"] for name, one in manifests.items()},
        kinds(toy.stages),
    )
