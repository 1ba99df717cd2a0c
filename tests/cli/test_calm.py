"""Progress in a pipe: a line every half minute, and nothing that a file should not hold."""

from __future__ import annotations

import io
import threading
import time

import pytest
from rich.console import Console

from past_cli.bars import Bars, stage_progress
from past_cli.calm import INTERVAL, CalmProgress, counted


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def calm():
    """Progress by a clock that tests move, and the lines it said."""
    said, clock = [], Clock()
    return CalmProgress(said.append, clock=clock), said, clock


def test_a_line_comes_every_half_minute_with_stage_step_and_what_is_left(calm):
    progress, said, clock = calm
    progress.begin("fit-aligned (3/9)")
    for step in range(1, 121):
        clock.now += 1
        progress.move("fit-aligned (3/9)", step, 400, "loss 0.5")
        progress.tick()
    assert len(said) == 4
    assert said[0] == "  fit-aligned (3/9): 30 of 400, about 0:06:10 left, loss 0.5"
    assert said[-1] == "  fit-aligned (3/9): 120 of 400, about 0:04:40 left, loss 0.5"


def test_what_was_done_before_does_not_count_as_fast(calm):
    """A training that goes on from its checkpoint."""
    progress, said, clock = calm
    progress.begin("fit")
    progress.move("fit", 900, 1000)
    clock.now += 50
    progress.move("fit", 910, 1000)
    progress.tick()
    assert said == ["  fit: 910 of 1000, about 0:07:30 left"]


def test_all_at_work_are_named_the_silent_too_and_the_finished_not(calm):
    progress, said, clock = calm
    progress.begin("one")
    progress.begin("two")
    progress.begin("gone")
    progress.move("two", 0, 5)
    progress.end("gone")
    clock.now += 29
    progress.tick()
    assert said == []
    clock.now += 1
    progress.tick()
    assert said == ["  one: at work", "  two: 0 of 5"]


def test_it_speaks_by_itself_while_a_stage_is_silent():
    spoke = threading.Event()
    with CalmProgress(lambda line: spoke.set(), interval=0.01) as progress:
        progress.begin("silent")
        assert spoke.wait(20)


def test_a_pipe_that_nobody_reads_ends_the_lines_and_nothing_else():
    closed = threading.Event()

    def say(line):
        closed.set()
        raise BrokenPipeError

    with CalmProgress(say, interval=0.01) as progress:
        progress.begin("silent")
        assert closed.wait(20)
        progress.move("silent", 1, 2)


def test_a_pipe_gets_lines_and_a_terminal_bars():
    pipe = io.StringIO()
    progress = stage_progress(Console(file=pipe))
    assert isinstance(progress, CalmProgress)
    assert isinstance(stage_progress(Console(file=pipe, force_terminal=True)), Bars)
    assert isinstance(
        stage_progress(Console(file=pipe, force_terminal=True, _environ={"TERM": "dumb"})),
        CalmProgress,
    )


def test_what_a_pipe_gets_has_no_codes(monkeypatch, past_cli, tmp_path):
    """Of a run whose every step takes half a minute."""
    clock = Clock()
    monkeypatch.setattr(CalmProgress.__init__, "__defaults__", (INTERVAL, clock))
    monkeypatch.setattr(CalmProgress, "move", _told(CalmProgress.move, clock))
    phantom = {"source": 2, "target": 2, "test": 1, "matrix": 56, "slices": 8}
    settings = [f"--set=dataset.{key}={value}" for key, value in phantom.items()]
    done = past_cli(
        *("pipeline", "--translator", "histogram", "--until", "check", "--jobs", 1),
        *("--out", tmp_path / "run", *settings),
    )
    assert done.code == 0, done.err
    assert "check (1/1): 5 of 5, crossmoda_211" in done.out
    assert "\r" not in done.out
    assert "\x1b" not in done.out


def _told(move, clock):
    def told(self, *moved):
        clock.now += INTERVAL
        move(self, *moved)
        self.tick()

    return told


def test_other_commands_say_it_on_stderr(monkeypatch, capsys):
    monkeypatch.setattr(CalmProgress.__init__, "__defaults__", (0.01, time.monotonic))
    with counted(Console(file=io.StringIO()), "reading") as progress:
        progress(3, 12, "case-3")
        _wait_for(capsys, "  reading: 3 of 12, case-3\n")


def _wait_for(capsys, text):
    seen, out, tries = "", "", threading.Event()
    for _ in range(200):
        captured = capsys.readouterr()
        seen, out = seen + captured.err, out + captured.out
        if text in seen:
            break
        tries.wait(0.05)
    assert text in seen
    assert out == ""
