"""A tiny phantom, and runs of small plugins on it."""

from __future__ import annotations

import tomllib

import pytest

from past_core.config import parse_config
from past_core.datasets.phantom.config import PhantomConfig
from past_core.datasets.phantom.dataset import write_phantom
from past_core.pipeline import Request, Silent, Systems, run_pipeline
from tests.core.pipeline.toys import CALLS, toy_registry

TINY = {"source": 2, "target": 3, "test": 2, "matrix": 56, "slices": 8}
"""A phantom of a second or two."""


@pytest.fixture
def registry():
    return toy_registry()


@pytest.fixture
def calls():
    CALLS.clear()
    return CALLS


@pytest.fixture(scope="session")
def phantom_folder(tmp_path_factory):
    """A tiny phantom, shared: read only."""
    folder = tmp_path_factory.mktemp("phantom") / "data"
    write_phantom(folder, PhantomConfig(**TINY))
    return folder


@pytest.fixture(scope="session")
def phantom_of(tmp_path_factory):
    """Make a tiny phantom of other numbers; made once each, read only."""
    made = {}

    def make(**numbers):
        key = repr(sorted(numbers.items()))
        if key not in made:
            made[key] = tmp_path_factory.mktemp("phantom") / "data"
            write_phantom(made[key], PhantomConfig(**(TINY | numbers)))
        return made[key]

    return make


@pytest.fixture
def request_of(phantom_folder, tmp_path):
    """Make a request for a run on the tiny phantom."""

    def make(**changes):
        values = {
            "translator": "match",
            "segmenter": "bayes",
            "strategy": "keep",
            "folder": tmp_path / "run",
            "data": phantom_folder,
        }
        return Request(**(values | changes))

    return make


@pytest.fixture
def systems_of():
    """Read the text of a systems file."""

    def parse(text):
        return parse_config(Systems, tomllib.loads(text), "test.toml")

    return parse


class Recorder(Silent):
    """Observes a run; can stop it at a stage, as an interruption would."""

    def __init__(self, stop_in: str | None = None) -> None:
        self.stop_in = stop_in
        self.reports = []
        self.notices = []

    def progress(self, stage, done, total, note=""):
        assert 0 <= done <= total
        if stage == self.stop_in:
            raise KeyboardInterrupt

    def stage_finished(self, report):
        self.reports.append(report)

    def notice(self, text):
        self.notices.append(text)

    @property
    def ran(self):
        return [report.name for report in self.reports if not report.reused]


@pytest.fixture
def run(registry):
    """Run a request; gives the run and what was observed."""

    def go(request, stop_in=None, executor=None):
        recorder = Recorder(stop_in)
        result = run_pipeline(request, registry=registry, observer=recorder, executor=executor)
        return result, recorder

    return go


@pytest.fixture
def stage_of():
    """The folder of a run's stage by the stage's name."""

    def find(run, name):
        (found,) = [s.folder for s in run.stages() if s.name == name]
        return run.folder / "stages" / found

    return find
