"""A few hundred bad inputs over all readers; ``python -m tests.fuzz`` tries tens of thousands."""

from __future__ import annotations

import pytest

from past_core.errors import ConfigError
from tests.fuzz.all_targets import targets_of
from tests.fuzz.engine import by_hypothesis
from tests.fuzz.target import Prepared, Target, WrongAnswerError

INPUTS = {"single_files": 15, "data_sets": 8, "runs": 6}
"""A target of each module."""
LIGHT = [(target, INPUTS[module]) for module in INPUTS for target in targets_of(module)]


@pytest.mark.parametrize(("target", "inputs"), LIGHT, ids=[one.name for one, _ in LIGHT])
def test_readers_answer_bad_files_with_errors_of_their_own(target, inputs, tmp_path):
    prepared = Prepared(target, tmp_path / "root")
    by_hypothesis(prepared, inputs)
    assert sum(prepared.counts.values()) >= inputs


def test_so_do_trained_things(tmp_path):
    for number, target in enumerate(targets_of("trained")):
        inputs = 1 if target.name == "training" else 4
        by_hypothesis(Prepared(target, tmp_path / str(number)), inputs)


def text(folder):
    (folder / "a.json").write_text('{"a": 1}')
    return folder / "a.json"


def fails(path):
    if path.read_bytes() != b'{"a": 1}':
        raise KeyError("a")


def hangs(path):
    while path.read_bytes() != b'{"a": 1}':
        pass


def swells(path):
    if path.read_bytes() != b'{"a": 1}':
        swells.kept = b"\x01" * (40 << 20)


def strays(path):
    if path.read_bytes() != b'{"a": 1}':
        (path.parent.parent / "outside").mkdir(exist_ok=True)


def babbles(path):
    if path.read_bytes() != b'{"a": 1}':
        error = ConfigError("x")
        error.args = ("x" * 5000,)
        raise error


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (fails, "KeyError: 'a'"),
        (hangs, r"more than 0\.5 s"),
        (swells, "MiB more memory"),
        (strays, "wrote outside its folder"),
        (babbles, "5000 characters"),
    ],
)
def test_the_fuzz_finds_what_it_is_for(read, said, tmp_path, monkeypatch):
    monkeypatch.setattr("tests.fuzz.target.SECONDS", 0.5)
    monkeypatch.setattr("tests.fuzz.target.MEMORY", 16)
    target = Target("broken", text, read, (".json",), files_come_and_go=False)
    with pytest.raises(WrongAnswerError, match=said):
        by_hypothesis(Prepared(target, tmp_path / "root"), 30)


def test_what_was_altered_is_put_back(tmp_path):
    target = next(one for one in targets_of("data_sets") if one.name == "datalist")
    prepared = Prepared(target, tmp_path / "root")
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in prepared.kept}
    by_hypothesis(prepared, 25)
    target.read(prepared.made)
    assert before == {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
