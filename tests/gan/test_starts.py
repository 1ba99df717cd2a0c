"""Several starts: which goes on, and that it is the same as if it had been alone."""

import json
from itertools import chain, repeat

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

from past_core.interfaces import Context
from past_gan.config import QualityConfig
from past_gan.cut.config import CUTConfig
from past_gan.nicegan.translator import NiceGAN
from past_gan.quality.assessment import Assessment
from past_gan.quality.report import Quality
from past_gan.slicewise import starts
from past_gan.training.snapshots import kept_snapshots
from past_gan.training.watch import TrainingError
from tests.gan.conftest import BRIGHT

SEED = 3
STEPS = 3 * 2 + 4
"""Of three starts of two steps each, and of what is left of six steps after one."""


@pytest.fixture
def several(tiny):
    return tiny.model_copy(
        update={
            "starts": 3,
            "start_iterations": 2,
            "early_identity": 0.5,
            "quality": QualityConfig(cases=2, steps=4),
        }
    )


@pytest.fixture
def scored(monkeypatch):
    """Starts have these scores in turn, for after two steps real ones are all 0."""
    scores = chain([0.2, 0.9, 0.4], repeat(0.5))

    def measure(*_):
        return Quality(0.0, 1.0, {"bright": next(scores)}, {"bright": 1.0}, 3.0, 1.0)

    monkeypatch.setattr(Assessment, "_measure", measure)


def weights(config, cases, folder, seed=SEED, **context):
    translator = NiceGAN(config)
    translator.fit(*cases, BRIGHT, Context(folder, seed=seed, **context))
    translator.save(folder / "saved")
    return load_file(folder / "saved/translator.safetensors")


def same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


def report(folder):
    return json.loads((folder / "record/starts.json").read_text())


@pytest.mark.usefixtures("scored")
def test_the_best_start_goes_on_as_if_it_were_alone(several, labelled, tmp_path):
    told = []
    found = weights(
        several, labelled, tmp_path / "all", progress=lambda *a: told.append((a[0], a[1]))
    )
    known = report(tmp_path / "all")
    scores = [start["quality"]["score"] for start in known["starts"]]
    assert scores == [0.2, 0.9, 0.4]
    assert known["chosen"] == 1
    seed = known["starts"][1]["seed"]
    alone = several.model_copy(update={"starts": 1, "early_identity": 0.0})
    assert same(found, weights(alone, labelled, tmp_path / "one", seed=seed))
    assert not same(found, weights(alone, labelled, tmp_path / "other", seed=SEED))
    assert told == [(done, STEPS) for done in range(1, STEPS + 1)]
    assert several.length(warm=False) == STEPS
    assert not (tmp_path / "all/starts").exists()
    assert [path.stem for path in kept_snapshots(tmp_path / "all")] == ["0000006"]
    losses = (tmp_path / "all/record/losses.csv").read_text().split()
    assert [line.split(",")[0] for line in losses[1:]] == ["1", "2", "3", "4", "5", "6"]


def test_the_first_start_alone_is_held_to_early_identity(several, labelled, tmp_path):
    weights(several, labelled, tmp_path)
    known = report(tmp_path)["starts"]
    assert [start["settings"]["early_identity"] for start in known] == [0.5, 0, 0]
    assert all(0 <= start["quality"]["recovery"]["bright"] <= 1 for start in known)


@pytest.mark.usefixtures("scored")
@pytest.mark.parametrize("last", [3, 6, 9])
def test_an_interrupted_one_goes_on_to_the_same_weights(several, labelled, tmp_path, last):
    """In a start, after all of them, and after that."""
    told = []

    def interrupted(done, total, note=""):
        if done == last:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        weights(several, labelled, tmp_path / "two", progress=interrupted)
    found = weights(several, labelled, tmp_path / "two", progress=lambda *a: told.append(a[0]))
    # From the last checkpoint on, which is at every other step.
    assert told[0] == last // 2 * 2 + 1
    alone = several.model_copy(update={"starts": 1, "early_identity": 0.0})
    seed = report(tmp_path / "two")["starts"][1]["seed"]
    assert report(tmp_path / "two")["chosen"] == 1
    assert same(found, weights(alone, labelled, tmp_path / "one", seed=seed))


@pytest.mark.usefixtures("scored")
@pytest.mark.parametrize("content", ["{", "[]", '{"chosen": "x"}'])
def test_a_damaged_record_of_starts_is_made_anew(several, labelled, tmp_path, content):
    def interrupted(done, total, note=""):
        if done == STEPS - 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        weights(several, labelled, tmp_path / "two", progress=interrupted)
    record = tmp_path / "two/starts/starts.json"
    known = record.read_text()
    record.write_text(content)
    found = weights(several, labelled, tmp_path / "two")
    assert (tmp_path / "two/record/starts.json").read_text() == known
    alone = several.model_copy(update={"starts": 1, "early_identity": 0.0})
    seed = json.loads(known)["starts"][1]["seed"]
    assert same(found, weights(alone, labelled, tmp_path / "one", seed=seed))


@pytest.mark.usefixtures("scored")
def test_a_start_that_fails_is_not_chosen(several, labelled, tmp_path, monkeypatch):
    run_job, failing = starts.run_job, {1, 2}

    def run(job, *rest):
        if job.until and int(job.folder.name) in failing:
            raise TrainingError("the translations are blank")
        run_job(job, *rest)

    monkeypatch.setattr(starts, "run_job", run)
    weights(several, labelled, tmp_path / "some")
    known = report(tmp_path / "some")
    assert known["chosen"] == 0
    assert [start["failed"] for start in known["starts"]] == [
        None,
        "the translations are blank",
        "the translations are blank",
    ]
    failing.add(0)
    with pytest.raises(TrainingError, match=r"every start failed.*translations are blank"):
        weights(several, labelled, tmp_path / "none")


@pytest.mark.usefixtures("scored")
def test_starts_of_other_settings_are_not_gone_on_from(several, labelled, tmp_path):
    weights(several, labelled, tmp_path)
    other = several.model_copy(update={"learning_rate": 3e-3})
    told = []
    found = weights(other, labelled, tmp_path, progress=lambda *a: told.append(a[0]))
    assert told[0] == 1
    assert same(found, weights(other, labelled, tmp_path / "fresh"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quality": {"cases": 0}}, "several starts are compared by quality: let quality.cases"),
        ({"start_iterations": 6}, "start_iterations 6 must be fewer than iterations 6"),
    ],
)
def test_starts_that_cannot_be_compared_are_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        CUTConfig.model_validate({"starts": 2, "start_iterations": 2, "iterations": 6} | changes)
    CUTConfig.model_validate({"iterations": 6} | changes)
