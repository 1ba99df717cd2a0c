"""The conformance suite passes plugins that keep their promises, and names broken ones."""

from __future__ import annotations

import dataclasses
import math
import random
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch

from past_core import Volume
from past_core.case import Domain
from past_core.config import PluginConfig
from past_core.interfaces import OnlineStrategy, PseudoLabel, Validator, Views
from past_core.plugins import MetricSpec, SegmenterSpec, StrategySpec, TranslatorSpec
from past_core.testing import (
    LABELS,
    check_metric,
    check_module,
    check_online_strategy,
    check_reader,
    check_segmenter,
    check_spec,
    check_strategy,
    check_translator,
    check_validator,
    tiny_cases,
    tiny_predictions,
)


def test_tiny_cases_are_sound_and_repeatable(tmp_path):
    first, again = (tiny_cases(tmp_path / name, Domain.TARGET, ignored=0.3) for name in "ab")
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.load_image().data, other.load_image().data)
        assert set(np.unique(one.load_label().data)) == {0, 1, 2, LABELS.ignore}
        assert 0 <= one.load_image().data.min() < one.load_image().data.max() <= 255


def test_tiny_predictions_are_probabilities_with_ties_at_one(tmp_path):
    for prediction in tiny_predictions(tmp_path, absent="shell"):
        probabilities = np.asarray(prediction.probabilities(), np.float32)
        assert probabilities.sum(axis=0) == pytest.approx(1, abs=2e-3)
        assert (probabilities.max(axis=0) == 1).any()
        assert not (probabilities.argmax(axis=0) == 2).any()


def test_plugins_that_keep_their_promises_pass(toys, tmp_path):
    config = toys.ToyConfig()
    check_translator(toys.Invert, config, tmp_path / "translator")
    check_segmenter(toys.Threshold, config, tmp_path / "segmenter")
    check_strategy(toys.Sure, config, tmp_path / "strategy")
    check_metric(toys.Wrong, config)


def broken(base, **methods):
    return type("Broken", (base,), methods)


def oracle_rng(self, source, target, labels, context):
    self.offset = random.random()


def forgets_its_seed(self, source, target, labels, context):
    self.offset = float(np.random.random())  # noqa: NPY002


@pytest.mark.parametrize(
    ("methods", "promise"),
    [
        ({"translate": lambda _, v: Volume(v.data[1:], v.affine)}, "shape .* became"),
        ({"translate": lambda _, v: Volume(v.data, np.eye(4))}, "the affine changed"),
        ({"translate": lambda _, v: Volume(v.data.astype("f8"), v.affine)}, "expected float32"),
        ({"translate": lambda _, v: Volume(v.data - 300, v.affine)}, r"not within \[0, 255\]"),
        ({"translate": lambda _, v: Volume(v.data * np.float32(np.nan), v.affine)}, "nan to nan"),
        (
            {"translate": lambda _, v: Volume(v.data * np.float32(random.random()), v.affine)},
            "the same volume twice",
        ),
        ({"fit": oracle_rng}, "already finished gives another result"),
        ({"fit": forgets_its_seed}, "already finished gives another result"),
        ({"save": lambda _, folder: None}, "save wrote no file"),
    ],
)
def test_a_translator_that_breaks_a_promise_is_told_which(toys, tmp_path, methods, promise):
    with pytest.raises(AssertionError, match=promise):
        check_translator(broken(toys.Invert, **methods), toys.ToyConfig(), tmp_path)


def test_a_translator_that_changes_its_input_is_told(toys, tmp_path):
    class Careless(toys.Invert):
        def translate(self, volume):
            volume.data[...] = 255 - volume.data
            return Volume(volume.data.copy(), volume.affine)

    with pytest.raises(AssertionError, match="Careless: translate changed its input"):
        check_translator(Careless, toys.ToyConfig(), tmp_path)


def test_a_translator_whose_resumed_training_differs_is_told(toys, tmp_path):
    class Restarts(toys.Invert):
        """Draws from one stream, whose position is not in the checkpoint."""

        def fit(self, source, target, labels, context):
            generator = np.random.default_rng(context.seed)
            self.offset = toys.descend(
                self.config.steps, context, lambda _: generator.uniform(0, 1)
            )

    with pytest.raises(AssertionError, match=r"interrupted half-way .* differs"):
        check_translator(Restarts, toys.ToyConfig(), tmp_path)


def test_a_translator_that_ignores_its_seed_is_told(toys, tmp_path):
    class Unseeded(toys.Invert):
        def fit(self, source, target, labels, context):
            self.offset = toys.descend(
                self.config.steps,
                context,
                lambda _: float(np.random.random()),  # noqa: NPY002
            )

    with pytest.raises(AssertionError, match="two runs with seed 0 differ"):
        check_translator(Unseeded, toys.ToyConfig(), tmp_path)


def test_a_translator_that_forgets_on_the_way_to_disk_is_told(toys, tmp_path):
    class Forgets(toys.Invert):
        @classmethod
        def load(cls, folder, device="cpu"):
            loaded = super().load(folder, device)
            loaded.offset = 0.0
            return loaded

    with pytest.raises(AssertionError, match="translates otherwise after save and load"):
        check_translator(Forgets, toys.ToyConfig(), tmp_path)


def test_a_loader_that_trusts_truncated_files_is_told(toys, tmp_path):
    class Trusting(toys.Invert):
        @classmethod
        def load(cls, folder, device="cpu"):
            try:
                return super().load(folder, device)
            except toys.DataError as error:
                raise KeyError("offset") from error

    with pytest.raises(AssertionError, match="loading an empty folder raised KeyError"):
        check_translator(Trusting, toys.ToyConfig(), tmp_path)


def test_progress_that_runs_past_its_end_is_told(toys, tmp_path):
    class Overshoots(toys.Invert):
        def fit(self, source, target, labels, context):
            context.progress(7, 6)

    with pytest.raises(AssertionError, match="progress was told 7 of 6"):
        check_translator(Overshoots, toys.ToyConfig(), tmp_path)


@pytest.mark.parametrize(
    ("spoil", "promise"),
    [
        (lambda p: p[1:], "expected probabilities of shape"),
        (lambda p: np.moveaxis(p, 0, -1), "expected probabilities of shape"),
        (lambda p: p * 2, r"not within \[0, 1\]"),
        (lambda p: p / 2, "sum to 0.5"),
        (lambda p: (p > 0.5).astype(np.uint8), "expected floats, got uint8"),
        (np.log, r"not within \[0, 1\]"),
    ],
)
def test_a_segmenter_that_gives_no_probabilities_is_told(toys, tmp_path, spoil, promise):
    class Broken(toys.Threshold):
        def predict(self, volume):
            return spoil(super().predict(volume))

    with pytest.raises(AssertionError, match=promise):
        check_segmenter(Broken, toys.ToyConfig(), tmp_path)


def test_a_segmenter_without_warm_start_is_told(toys, tmp_path):
    class Cold(toys.Threshold):
        def fit(self, cases, labels, context, init_from=None):
            assert init_from is None, "no warm start here"
            super().fit(cases, labels, context)

    with pytest.raises(AssertionError, match="no warm start here"):
        check_segmenter(Cold, toys.ToyConfig(), tmp_path)


def ignores_prediction(toys):
    """A segmenter with a setting of predictions alone, whose load leaves it as saved."""

    class Config(toys.ToyConfig):
        prediction: ClassVar[frozenset[str]] = frozenset({"softness"})

        softness: float = 1.0
        """Of the probabilities."""

    class Ignores(toys.Threshold):
        @classmethod
        def load(cls, folder, device="cpu", prediction=None):
            content = toys.read_json(folder / "threshold.json")
            segmenter = cls(Config())
            segmenter.means = content["means"]
            return segmenter

    return Ignores, Config(softness=2.0)


def reads_other_means(toys):
    class Broken(toys.Threshold):
        @classmethod
        def load(cls, folder, device="cpu", prediction=None):
            loaded = super().load(folder, device)
            if prediction is not None:
                loaded.means = [mean + 1 for mean in loaded.means]
            return loaded

    return Broken, toys.ToyConfig()


def has_no_prediction(toys):
    class Older(toys.Threshold):
        @classmethod
        def load(cls, folder, device="cpu"):
            return super().load(folder, device)

    return Older, toys.ToyConfig()


@pytest.mark.parametrize(
    ("make", "promise"),
    [
        (ignores_prediction, r"load with prediction={'softness': 2.0} gave one with .* 1.0"),
        (reads_other_means, "predicts otherwise after load with prediction"),
        (has_no_prediction, "load with prediction={} raised TypeError"),
    ],
)
def test_a_segmenter_that_spoils_prediction_settings_is_told(toys, tmp_path, make, promise):
    with pytest.raises(AssertionError, match=promise):
        check_segmenter(*make(toys), tmp_path)


def hoards(self, predictions, labels, round_number):
    everything = [np.array(p.probabilities(), np.float32) for p in predictions]
    for prediction, probabilities in zip(predictions, everything, strict=True):
        yield PseudoLabel(prediction.case_id, probabilities.argmax(axis=0).astype(np.uint8))


@pytest.mark.parametrize(
    ("select", "promise"),
    [
        (hoards, "peak of memory grew"),
        (
            lambda _s, ps, labels, _k: (
                PseudoLabel(
                    p.case_id, np.full(p.probabilities().shape[1:], labels.ignore, np.uint8)
                )
                for p in ps
            ),
            "nothing was kept",
        ),
        (
            lambda _s, ps, _l, _k: (
                PseudoLabel(p.case_id, p.probabilities().argmax(axis=0).astype(np.uint8))
                for p in ps[::-1]
            ),
            "in this order",
        ),
        (
            lambda _s, ps, _l, _k: (
                PseudoLabel(p.case_id, p.probabilities().argmax(axis=0)) for p in ps
            ),
            "int64 label",
        ),
        (
            lambda _s, ps, _l, _k: (
                PseudoLabel(p.case_id, np.full(p.probabilities().shape[1:], 255, np.uint8))
                for p in ps
            ),
            "above ignore",
        ),
        (
            lambda _s, ps, _l, _k: (
                PseudoLabel(p.case_id, np.ones(p.probabilities().shape[1:], np.uint8)) for p in ps
            ),
            "ball has pseudo-labels, though its probability is 0",
        ),
    ],
)
def test_a_strategy_that_breaks_a_promise_is_told_which(toys, tmp_path, select, promise):
    with pytest.raises(AssertionError, match=promise):
        check_strategy(broken(toys.Sure, select=select), toys.ToyConfig(), tmp_path)


@pytest.mark.parametrize(
    ("weights", "promise"),
    [
        (lambda _: {"scan_weight": -1.0}, "scan weight -1.0"),
        (lambda _: {"scan_weight": math.nan}, "scan weight nan"),
        (lambda _: {"voxel_weights": np.ones((2, 2, 2))}, r"voxel weights of shape \(2, 2, 2\)"),
        (lambda label: {"voxel_weights": np.full(label.shape, 2.0)}, "voxel weights from 2 to 2"),
        (lambda label: {"by_image": label}, "uint8 by_image of shape"),
    ],
)
def test_a_strategy_with_impossible_weights_is_told(toys, tmp_path, weights, promise):
    class Broken(toys.Sure):
        def select(self, predictions, labels, round_number):
            for one in super().select(predictions, labels, round_number):
                yield replace(one, **weights(one.label))

    with pytest.raises(AssertionError, match=promise):
        check_strategy(Broken, toys.ToyConfig(), tmp_path)


@pytest.mark.parametrize(
    ("value", "promise"),
    [
        (lambda p, r: 0.5, "empty ones all give 0.5"),
        (lambda p, r: float("inf") if not p.any() else float((p != r).mean()), "an empty pred"),
        (lambda p, r: (p != r).mean(), "expected a finite float"),
        (lambda p, r: float((p != r)[:16].mean()) + float((p != r).any()), "are flipped"),
    ],
)
def test_a_metric_that_breaks_a_promise_is_told_which(toys, value, promise):
    def call(self, masks):
        found = value(masks.prediction, masks.reference)
        return np.float32(found) if promise == "expected a finite float" else found

    with pytest.raises(AssertionError, match=promise):
        check_metric(broken(toys.Wrong, __call__=call), toys.ToyConfig())


@pytest.fixture
def pairs(tmp_path):
    folder = tmp_path / "pairs"
    for name, seed, count in (("source", 0, 2), ("target", 10, 2), ("test", 20, 1)):
        for case in tiny_cases(folder, count=count, seed=seed):
            number = case.id.split("_")[1]
            case.image.rename(folder / f"{name}_{number}.nii.gz")
            case.label.rename(folder / f"label_{number}.nii.gz")
    return folder


def test_a_reader_that_keeps_its_promises_passes(toys, tmp_path, pairs):
    check_reader(toys.Pairs, toys.ToyConfig(), pairs, tmp_path)


@pytest.mark.parametrize(
    ("methods", "promise"),
    [
        ({"recognises": lambda _, folder: True}, "recognises stray, which is no data set"),
        ({"recognises": lambda _, folder: len(list(folder.iterdir())) > 3}, "must never raise"),
        ({"recognises": lambda _, folder: False}, "should be True"),
        ({"open": lambda _, folder: []}, "open gave list"),
    ],
)
def test_a_reader_that_breaks_a_promise_is_told_which(toys, tmp_path, pairs, methods, promise):
    with pytest.raises(AssertionError, match=promise):
        check_reader(broken(toys.Pairs, **methods), toys.ToyConfig(), pairs, tmp_path)


def test_a_reader_whose_data_fail_their_check_is_told(toys, tmp_path, pairs):
    (pairs / "label_0.nii.gz").unlink()
    with pytest.raises(AssertionError, match=r"fails its check: (?s:.*)no such file"):
        check_reader(toys.Pairs, toys.ToyConfig(), pairs, tmp_path)


class Undescribed(PluginConfig):
    """A field without a docstring."""

    steps: int = 1


class Required(PluginConfig):
    """A field without a default."""

    steps: int
    """Training steps."""


class Lenient(PluginConfig, extra="ignore"):
    """Accepts anything."""


class Thawed(PluginConfig, frozen=False):
    """Can be changed."""


@pytest.fixture
def spec(toys):
    return TranslatorSpec(
        "invert", "Inverts.", "tests.core.toys:Invert", "tests.core.toys:ToyConfig"
    )


def test_a_complete_description_passes(spec):
    check_spec(spec)


@pytest.mark.parametrize(
    ("changes", "promise"),
    [
        ({"name": "My Invert"}, "lower-case"),
        ({"summary": "two\nlines"}, "one line"),
        ({"factory": "tests.core.toys.Invert"}, "is not 'package.module:Class'"),
        ({"factory": "tests.core.toys:Inwert"}, "cannot be imported"),
        ({"factory": "tests.core.toys:Sure"}, "subclass of Translator"),
        ({"factory": "past_core.interfaces:Translator"}, "lacks fit, load, save, translate"),
        ({"config": "tests.core.toys:Invert"}, "subclass of past_core.config.PluginConfig"),
    ],
)
def test_an_incomplete_description_is_told(spec, changes, promise):
    with pytest.raises(AssertionError, match=promise):
        check_spec(dataclasses.replace(spec, **changes))


def test_random_looks_are_one_of_the_segmenters_settings():
    parts = ("Typical.", "tests.core.toys:Threshold", "past_core.config:PluginConfig")
    check_spec(SegmenterSpec("typical", *parts))
    with pytest.raises(AssertionError, match="random_looks is 'share', which is none of its"):
        check_spec(SegmenterSpec("typical", *parts, random_looks="share"))


def test_edges_are_one_of_the_strategys_settings():
    parts = ("Typical.", "tests.core.toys:Sure", "past_core.config:PluginConfig")
    check_spec(StrategySpec("typical", *parts))
    with pytest.raises(AssertionError, match="edges is 'width', which is none of its settings"):
        check_spec(StrategySpec("typical", *parts, edges="width"))


@pytest.mark.parametrize(
    ("config", "promise"),
    [
        (Undescribed, "steps has no description"),
        (Required, "steps has no default"),
        (Lenient, "an unknown key is accepted"),
        (Thawed, "must be frozen"),
    ],
)
def test_an_incomplete_configuration_is_told(toys, monkeypatch, config, promise):
    monkeypatch.setattr(toys, "Spoilt", config, raising=False)
    with pytest.raises(AssertionError, match=promise):
        check_spec(MetricSpec("wrong", "Wrong.", "tests.core.toys:Wrong", "tests.core.toys:Spoilt"))


def test_a_light_module_passes():
    check_module("past_core.plugins")


def test_a_module_that_imports_something_heavy_is_told(tmp_path, monkeypatch):
    (tmp_path / "torch.py").write_text("")  # stands for the real one, which takes seconds
    (tmp_path / "eager.py").write_text("import torch\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(AssertionError, match=r"eager imports torch\. Name classes by import path"):
        check_module("eager")


def test_a_module_that_cannot_be_imported_is_told():
    with pytest.raises(AssertionError, match="No module named 'no_such_module'"):
        check_module("no_such_module")


@pytest.mark.parametrize(
    ("assess", "promise"),
    [
        (lambda names, ids: {}, r"figures of \[\], not of \['nothing', 'right', 'shifted'\]"),
        (lambda names, ids: {n: {} for n in names}, r"right has figures of \[\], not of"),
        (lambda names, ids: {n: dict.fromkeys(ids, 1) for n in names}, "expected finite floats"),
        (
            lambda names, ids: {
                n: dict.fromkeys(ids, np.random.default_rng().random()) for n in names
            },
            "twice gives different figures",
        ),
        (
            lambda names, ids: {n: dict.fromkeys(ids, float(n == "nothing")) for n in names},
            "a candidate that segments nothing",
        ),
    ],
)
def test_a_validator_that_breaks_a_promise_is_told_which(assess, promise, tmp_path):
    class Wrong(Validator):
        def assess(self, candidates, scans, source, labels, progress):
            return assess([one.name for one in candidates], [scan.id for scan in scans])

    with pytest.raises(AssertionError, match=f"Wrong: .*{promise}"):
        check_validator(Wrong, PluginConfig(), tmp_path)


class Lazy(OnlineStrategy):
    """Pulls logits to 0; keeps the student."""

    def begin(self, student, *, warm):
        self.steps = 0

    def loss(self, student, views):
        return student(views.strong).square().mean() * (1 + self.steps)

    def after_step(self, student):
        self.steps += 1

    def kept(self, student):
        return student

    def state(self):
        return {"steps": self.steps}

    def restore(self, state):
        self.steps = state["steps"]


def check_online(factory):
    torch.manual_seed(0)
    network = torch.nn.Conv3d(1, 3, 3, padding=1)
    views = Views(*torch.randn(2, 2, 1, 6, 5, 4), progress=0.5)
    check_online_strategy(factory, PluginConfig(), network, views, lambda: torch.manual_seed(1))


def test_an_online_strategy_that_keeps_its_promises_passes():
    check_online(Lazy)


@pytest.mark.parametrize(
    ("changes", "promise"),
    [
        ({"random_looks": 2.0}, "random_looks is 2.0"),
        ({"loss": lambda _s, _n, views: views.weak.square().mean()}, "no gradient for the student"),
        ({"loss": lambda _s, n, views: n(views.weak).square()}, "must be a finite number"),
        ({"loss": lambda _s, n, views: n(views.weak).sum() * math.nan}, "must be a finite number"),
        ({"kept": lambda _s, _n: torch.nn.Conv3d(1, 2, 3, padding=1)}, r"shape \(2, 2, 6, 5, 4\)"),
        ({"restore": lambda _s, _state: None}, "goes on otherwise from its own state"),
    ],
)
def test_an_online_strategy_that_breaks_a_promise_is_told_which(changes, promise):
    with pytest.raises(AssertionError, match=promise):
        check_online(type("Broken", (Lazy,), changes))
