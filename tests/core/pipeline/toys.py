"""Plugins that really learn, in milliseconds: for tests of the pipeline itself."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from past_core.config import PluginConfig, parse_config
from past_core.errors import DataError
from past_core.interfaces import (
    Metric,
    OnlineStrategy,
    Prediction,
    PseudoLabel,
    Segmenter,
    Strategy,
    Translator,
    Unlabelled,
    Validator,
)
from past_core.plugin import past_datasets
from past_core.plugins import (
    MetricSpec,
    Registry,
    SegmenterSpec,
    StrategySpec,
    TranslatorSpec,
    ValidatorSpec,
    hookimpl,
)
from past_core.volume import Volume, load_volume

CALLS: list[str] = []
"""What was fitted or selected, in order."""

FITS: list[Fit] = []
"""What each fit was handed, in order."""
LABELLINGS: list[Labelling] = []
"""What each prediction was made with and of, in order."""
JUDGED: list[list[str]] = []
"""Scans that validators were shown, in order."""
SELECTED: dict[tuple[int, str], str] = {}
"""By round and case the digest of the pseudo-label that the strategy gave."""

HANDED: dict[tuple[int, str], Prediction] = {}
"""By round and case the prediction that the strategy was handed."""


@dataclass(frozen=True)
class Fit:
    """One call of ``fit``."""

    stage: str
    """Whose folder it worked in."""
    cases: dict[str, tuple[str, str | None, str | None]]
    """By id: the stages that wrote the image and the label, and the label's digest."""
    start: str | None
    """The stage of the weights it started from."""
    weights: dict[str, float]
    """By id."""
    voxel_weights: dict[str, np.ndarray]
    """By id, of those that have any."""


@dataclass(frozen=True)
class Labelling:
    """One call of ``predict``."""

    model: str
    """The stage that trained the model."""
    image: str
    """Digest of the image."""


def stage_name(path):
    """The stage in whose folder a file lies, without its fingerprint."""
    return path.parts[path.parts.index("stages") + 1].rpartition("-")[0]


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def note_fit(context, cases, start=None):
    """Remember what a fit was handed."""
    handed = {
        case.id: (
            stage_name(case.image),
            None if case.label is None else stage_name(case.label),
            None if case.label is None else digest(case.load_label().data),
        )
        for case in cases
    }
    assert len(handed) == len(cases)
    FITS.append(
        Fit(
            stage_name(context.folder),
            handed,
            None if start is None else stage_name(start),
            {case.id: case.weight for case in cases},
            {case.id: case.load_voxel_weights().data for case in cases if case.voxel_weights},
        )
    )


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
        _die_if_told()
        note_fit(context, [*source, *target])
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


class Measured(Match):
    """The same, and it says what it was measured on."""

    def measure(self, source, target, labels, context):
        assert self.moments, "it is fitted"
        CALLS.append("measured")
        said = {"seed": context.seed, "labels": labels.structures}
        for part, cases in (("source", source), ("target", target)):
            said[part] = {case.id: case.label is not None for case in cases}
        (context.record / "quality.json").write_text(json.dumps(said))


def _die_if_told():
    """End as a fault of native code or the lack of memory would end a training."""
    how = os.environ.get("TOY_DIES")
    if how == "DataError":
        raise DataError("the toy refuses")
    if how:
        os.kill(os.getpid(), signal.Signals[how])
        time.sleep(10)


def _moments(cases):
    data = np.concatenate([case.load_image().data.ravel() for case in cases])
    return float(data.mean()), float(data.std())


class NaiveBayesConfig(PluginConfig):
    prediction: ClassVar[frozenset[str]] = frozenset({"sharpness"})
    network: ClassVar[frozenset[str]] = frozenset({"bins"})

    bins: int = Field(default=32, ge=2, le=256)
    """Of the histogram."""
    smoothing: float = Field(default=1.0, gt=0)
    """Added to every bin."""
    sharpness: float = Field(default=1.0, gt=0)
    """Exponent of the probabilities."""


class NaiveBayes(Segmenter):
    """Class probabilities from the intensity alone, by a histogram a class."""

    config: NaiveBayesConfig
    origin = ""

    def fit(self, cases, labels, context, init_from: Path | None = None):
        CALLS.append("segmenter" if init_from is None else "segmenter (warm)")
        note_fit(context, cases, init_from)
        bins = self.config.bins
        counts = np.full((labels.count, bins), self.config.smoothing)
        for done, case in enumerate(cases, start=1):
            found = _bins(case.load_image().data, bins)
            label = case.load_label().data
            for value in range(labels.count):
                counts[value] += np.bincount(found[label == value], minlength=bins)
            context.progress(done, len(cases))
        if init_from is not None:
            counts += type(self).load(init_from).counts
        self.counts = counts

    def predict(self, volume):
        LABELLINGS.append(Labelling(self.origin, digest(volume.data)))
        # As if every class were as frequent: else all would be background.
        bins = _bins(volume.data, self.counts.shape[1])
        joint = (self.counts / self.counts.sum(axis=1, keepdims=True))[:, bins]
        joint = (joint / joint.sum(axis=0)) ** self.config.sharpness
        return (joint / joint.sum(axis=0)).astype(np.float32)

    def save(self, folder):
        np.save(folder / "counts.npy", self.counts)

    @classmethod
    def load(cls, folder, device="cpu", prediction=None):
        segmenter = cls(parse_config(NaiveBayesConfig, prediction or {}, "prediction"))
        segmenter.counts = np.load(folder / "counts.npy")
        segmenter.origin = stage_name(folder) if "stages" in folder.parts else ""
        return segmenter


UNLABELLED: dict[str, Unlabelled] = {}
"""By stage what an online segmenter was handed besides labelled scans."""


class Pupil(NaiveBayes):
    """The same, and an online strategy may teach it."""

    def fit(self, cases, labels, context, init_from=None, unlabelled=None):
        super().fit(cases, labels, context, init_from)
        if unlabelled is not None:
            UNLABELLED[stage_name(context.folder)] = unlabelled


class Nod(OnlineStrategy):
    """Agrees with everything."""

    def begin(self, student, *, warm):
        raise NotImplementedError

    loss = after_step = kept = state = restore = begin


class NodConfig(PluginConfig):
    incidental: ClassVar[frozenset[str]] = frozenset({"often"})

    hard: float = 0.5
    """How hard it nods."""
    often: int = 1
    """Has no effect on the result."""


class SmoothConfig(NaiveBayesConfig):
    smoothing: float = Field(default=300.0, gt=0)
    """Added to every bin."""


class Smooth(NaiveBayes):
    """The same, less sure of itself: another segmenter."""


def _bins(data, count):
    return np.clip(data * (count / 256), 0, count - 1).astype(int)


class KeepConfig(PluginConfig):
    above: float = Field(default=0.7, ge=0, le=1)
    """Confidence from which a voxel is kept."""
    weights: dict[str, float] = Field(default_factory=dict)
    """Of scans, by id; 1 of others."""
    doubt: float = 0.0
    """Let voxels count by so many times their confidence; 0: all alike."""
    bright: float = Field(default=1e9, ge=0)
    """Voxels above so much are of class 1, whatever was predicted."""
    alone: tuple[str, ...] = ()
    """Scans whose labels can be learnt from alone."""


class Keep(Strategy):
    """Keeps voxels above a fixed confidence."""

    config: KeepConfig

    def select(self, predictions, labels, round_number):
        CALLS.append(f"select {round_number}")
        for prediction in predictions:
            p = prediction.probabilities()
            label = np.where(p.max(axis=0) >= self.config.above, p.argmax(axis=0), labels.ignore)
            bright = load_volume(prediction.image).data > self.config.bright
            label = np.where(bright, 1, label)
            SELECTED[round_number, prediction.case_id] = digest(label.astype(np.uint8))
            HANDED[round_number, prediction.case_id] = prediction
            weight = self.config.weights.get(prediction.case_id, 1.0)
            voxels = self.config.doubt * p.max(axis=0) if self.config.doubt else None
            alone = prediction.case_id in self.config.alone
            yield PseudoLabel(
                prediction.case_id, label.astype(np.uint8), weight, voxels, bright, alone
            )


class OverlapConfig(PluginConfig):
    """No settings."""


class Overlap(Metric):
    """Intersection over union."""

    def __call__(self, masks):
        union = (masks.prediction | masks.reference).sum()
        return float((masks.prediction & masks.reference).sum() / union) if union else 1.0


class TasteConfig(PluginConfig):
    likes: str = ""
    """The candidate that gets 1; the others get 0."""


class Taste(Validator):
    """Likes a candidate for its name alone, and notes what it was shown."""

    config: TasteConfig

    def assess(self, candidates, scans, source, labels, progress):
        JUDGED.append([case.id for case in scans])
        assert all(case.label is None for case in scans), "target labels were leaked"
        assert all(case.label is not None for case in source)
        for candidate in candidates:
            for scan in scans:
                found = candidate.segment(scan, scan.load_image())
                np.testing.assert_array_equal(found, candidate.classes(scan))
                total = candidate.probabilities(scan).sum(axis=0)
                np.testing.assert_allclose(total, 1, atol=2e-3)
        return {
            candidate.name: dict.fromkeys(
                [scan.id for scan in scans], float(candidate.name == self.config.likes)
            )
            for candidate in candidates
        }


class Plugins:
    """What a plugin module would be."""

    @hookimpl
    def past_validators(self):
        yield ValidatorSpec("taste", "A name.", _path("Taste"), _path("TasteConfig"))
        for name, path in (
            ("agreement", "agreement:Agreement"),
            ("pairwise", "pairwise:Pairwise"),
            ("flip", "flip:Flip"),
            ("affine", "affine:Affine"),
        ):
            settings = "AffineConfig" if name == "affine" else "NoConfig"
            yield ValidatorSpec(
                name,
                "As past-core has it.",
                f"past_core.validators.{path}",
                f"past_core.validators.config:{settings}",
            )

    @hookimpl
    def past_translators(self):
        yield TranslatorSpec("match", "Match moments.", _path("Match"), _path("MatchConfig"))
        measured = _path("Measured"), _path("MatchConfig")
        yield TranslatorSpec("measured", "Match moments, and measure.", *measured, measures=True)

    @hookimpl
    def past_segmenters(self):
        yield SegmenterSpec(
            "bayes",
            "Intensity histograms.",
            _path("NaiveBayes"),
            _path("NaiveBayesConfig"),
            voxel_weights=True,
        )
        pupil = _path("Pupil"), _path("NaiveBayesConfig")
        yield SegmenterSpec("pupil", "Intensity histograms, taught.", *pupil, online=True)
        yield SegmenterSpec(
            "smooth",
            "Smoothed histograms.",
            _path("Smooth"),
            _path("SmoothConfig"),
            random_looks="smoothing",
        )

    @hookimpl
    def past_strategies(self):
        yield StrategySpec("keep", "Fixed threshold.", _path("Keep"), _path("KeepConfig"))
        nod = _path("Nod"), _path("NodConfig")
        yield StrategySpec("nod", "Teaches nothing.", *nod, online=True)
        both = _path("Keep"), _path("KeepConfig")
        yield StrategySpec("both", "Of two teachers.", *both, teachers=2)
        yield StrategySpec("bright", "By the image.", *both, edges="bright")

    @hookimpl
    def past_metrics(self):
        yield MetricSpec("iou", "Overlap.", _path("Overlap"), _path("OverlapConfig"))


def _path(name):
    return f"{__name__}:{name}"


class DataSets:
    """Core's own data sets, without its metrics, which need torch."""

    past_datasets = staticmethod(past_datasets)


def toy_registry():
    """The toys, and core's own data sets."""
    return Registry({"small-plugins": Plugins(), "past-core": DataSets})
