"""Plugins that really learn, in milliseconds: for tests of the pipeline itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from pydantic import Field

from past_core.config import PluginConfig
from past_core.datasets.phantom.dataset import PhantomConfig, write_phantom
from past_core.interfaces import Metric, Segmenter, Strategy, Translator
from past_core.pipeline import Request, resolve, run_pipeline
from past_core.plugin import past_datasets
from past_core.plugins import (
    MetricSpec,
    Registry,
    SegmenterSpec,
    StrategySpec,
    TranslatorSpec,
    hookimpl,
)
from past_core.recipe import Recipe
from past_core.volume import Volume

CALLS: list[str] = []
"""What was fitted or selected, in order."""


class MatchConfig(PluginConfig):
    incidental: ClassVar[frozenset[str]] = frozenset({"workers"})

    strength: float = Field(default=1.0, ge=0, le=1)
    """How far to move towards the target's statistics."""
    workers: int = 1
    """Has no effect on the result."""


class Match(Translator):
    """Brings mean and standard deviation to the target's."""

    config: MatchConfig

    def fit(self, source, target, labels, context):
        CALLS.append("translator")
        assert all(case.label is None for case in target), "target labels were leaked"
        means = [_moments(cases) for cases in (source, target)]
        self.moments = means
        context.progress(1, 1, "matched")

    def translate(self, volume):
        (m0, s0), (m1, s1) = self.moments
        moved = (volume.data - m0) / s0 * s1 + m1
        mixed = volume.data + self.config.strength * (moved - volume.data)
        return Volume(np.clip(mixed, 0, 255).astype(np.float32), volume.affine)

    def save(self, folder):
        (folder / "match.json").write_text(json.dumps([self.config.model_dump(), self.moments]))

    @classmethod
    def load(cls, folder, device="cpu"):
        config, moments = json.loads((folder / "match.json").read_text())
        translator = cls(MatchConfig(**config))
        translator.moments = moments
        return translator


def _moments(cases):
    data = np.concatenate([case.load_image().data.ravel() for case in cases])
    return float(data.mean()), float(data.std())


class NaiveBayesConfig(PluginConfig):
    smoothing: float = Field(default=1.0, gt=0)
    """Added to every bin."""


class NaiveBayes(Segmenter):
    """Class probabilities from the intensity alone, by a histogram a class."""

    config: NaiveBayesConfig

    def fit(self, cases, labels, context, init_from: Path | None = None):
        CALLS.append("segmenter" if init_from is None else "segmenter (warm)")
        counts = np.full((labels.count, 32), self.config.smoothing)
        for done, case in enumerate(cases, start=1):
            bins = _bins(case.load_image().data)
            label = case.load_label().data
            for value in range(labels.count):
                counts[value] += np.bincount(bins[label == value], minlength=32)
            context.progress(done, len(cases))
        if init_from is not None:
            counts += type(self).load(init_from).counts
        self.counts = counts

    def predict(self, volume):
        joint = self.counts[:, _bins(volume.data)]
        return (joint / joint.sum(axis=0)).astype(np.float32)

    def save(self, folder):
        np.save(folder / "counts.npy", self.counts)

    @classmethod
    def load(cls, folder, device="cpu", prediction=None):
        segmenter = cls(NaiveBayesConfig())
        segmenter.counts = np.load(folder / "counts.npy")
        return segmenter


def _bins(data):
    return np.clip(data / 8, 0, 31).astype(int)


class KeepConfig(PluginConfig):
    above: float = Field(default=0.7, ge=0, le=1)
    """Confidence from which a voxel is kept."""


class Keep(Strategy):
    """Keeps voxels above a fixed confidence."""

    config: KeepConfig

    def select(self, predictions, labels, round_number):
        CALLS.append(f"select {round_number}")
        for prediction in predictions:
            p = prediction.probabilities()
            label = np.where(p.max(axis=0) >= self.config.above, p.argmax(axis=0), labels.ignore)
            yield prediction.case_id, label.astype(np.uint8)


class OverlapConfig(PluginConfig):
    """No settings."""


class Overlap(Metric):
    """Intersection over union."""

    def __call__(self, prediction, reference, spacing, labels):
        values = {}
        for structure in labels.structures:
            a, b = (m == labels.value(structure) for m in (prediction, reference))
            union = (a | b).sum()
            values[structure] = float((a & b).sum() / union) if union else 1.0
        return values


class Plugins:
    """What a plugin module would be."""

    @hookimpl
    def past_translators(self):
        yield TranslatorSpec("match", "Match moments.", _path("Match"), _path("MatchConfig"))

    @hookimpl
    def past_segmenters(self):
        yield SegmenterSpec(
            "bayes", "Intensity histograms.", _path("NaiveBayes"), _path("NaiveBayesConfig")
        )

    @hookimpl
    def past_strategies(self):
        yield StrategySpec("keep", "Fixed threshold.", _path("Keep"), _path("KeepConfig"))

    @hookimpl
    def past_metrics(self):
        yield MetricSpec("iou", "Overlap.", _path("Overlap"), _path("OverlapConfig"))


def _path(name):
    return f"{__name__}:{name}"


class DataSets:
    """Core's own data sets, without its metrics, which need torch."""

    past_datasets = staticmethod(past_datasets)


TINY = {"source": 2, "target": 3, "test": 2, "matrix": 56, "slices": 8}
"""A phantom of a second or two."""


@pytest.fixture
def registry():
    return Registry({"small-plugins": Plugins(), "past-core": DataSets})


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


@pytest.fixture
def request_of(phantom_folder, tmp_path):
    """Make a request for a run on the tiny phantom."""

    def make(**changes):
        values = {
            "translator": "match",
            "segmenter": "bayes",
            "strategy": "keep",
            "recipe": Recipe(),
            "folder": tmp_path / "run",
            "data": phantom_folder,
        }
        return Request(**(values | changes))

    return make


class Recorder:
    """Observes a run; can stop it at a stage, as an interruption would."""

    def __init__(self, stop_in: str | None = None) -> None:
        self.stop_in = stop_in
        self.reports = []
        self._stage = ""

    def stage_started(self, name, number, count):
        self._stage = name

    def progress(self, done, total, note=""):
        assert 0 <= done <= total
        if self._stage == self.stop_in:
            raise KeyboardInterrupt

    def stage_finished(self, report):
        self.reports.append(report)

    @property
    def ran(self):
        return [report.name for report in self.reports if not report.reused]


@pytest.fixture
def run(registry):
    """Resolve a request and run it; gives the result and what was observed."""

    def go(request, stop_in=None):
        recorder = Recorder(stop_in)
        settings, dataset = resolve(request, registry)
        return run_pipeline(settings, dataset, request.folder, registry, recorder), recorder

    return go
