"""The shared loop: schedule, processes, records, snapshots, and how failures are told."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from safetensors.torch import load_file

from past_core.errors import ConfigError, DataError
from past_core.interfaces import Context
from past_core.labels import Labels
from past_core.volume import Volume, load_volume, save_volume
from past_gan.config import QualityConfig
from past_gan.data.cache import Stack
from past_gan.data.patches import PatchSampler
from past_gan.nicegan.steps import NiceGANModel
from past_gan.nicegan.translator import NiceGAN
from past_gan.quality.assessment import best_step
from past_gan.quality.report import Quality
from past_gan.training.loop import Schedule
from past_gan.training.runtime import Runtime
from past_gan.training.snapshots import kept_snapshots
from past_gan.training.watch import TrainingError, Watch, collapse
from tests.gan.conftest import BRIGHT


def test_the_rate_is_constant_and_then_falls_linearly_to_zero():
    schedule = Schedule(iterations=8, checkpoint_interval=1, snapshots=1)
    assert [schedule.rate(step) for step in range(9)] == [1, 1, 1, 1, 1, 0.75, 0.5, 0.25, 0]


def test_translators_are_kept_over_the_second_half():
    assert Schedule(100, 10, snapshots=1).kept == {100}
    assert Schedule(100, 10, snapshots=5).kept == {60, 70, 80, 90, 100}


def fit(config, cases, folder):
    translator = NiceGAN(config)
    translator.fit(*cases, BRIGHT, Context(folder, seed=3))
    return translator


def measured(translator, cases, labels, folder):
    """What a saved translator's ``measure`` leaves; None if nothing."""
    saved = folder / "saved"
    saved.mkdir()
    translator.save(saved)
    context = Context(folder / "measure", seed=3)
    type(translator).load(saved).measure(*cases, labels, context)
    path = context.record / "quality.json"
    return json.loads(path.read_text()) if path.exists() else None


@pytest.mark.parametrize(
    "changes",
    [{}, {"replay": 3, "segmentation": {"weight": 10, "warm_up": 0.3, "channels": 4, "levels": 1}}],
    ids=["plain", "replay and segmentation"],
)
def test_two_processes_train_as_one_with_the_same_batch(tiny, labelled, tmp_path, changes):
    whole = type(tiny).model_validate(tiny.model_dump() | {"iterations": 4} | changes)
    shared = whole.model_copy(update={"processes": 2})
    told = []
    together = NiceGAN(shared)
    context = Context(tmp_path / "two", seed=3, progress=lambda *a: told.append(a))
    together.fit(*labelled, BRIGHT, context)
    alone = fit(whole, labelled, tmp_path / "one")
    assert [done for done, _, _ in told] == [1, 2, 3, 4]
    weights = []
    for translator, name in ((alone, "a"), (together, "b")):
        translator.save(tmp_path / name)
        weights.append(load_file(tmp_path / name / "translator.safetensors"))
    for name, value in weights[0].items():
        torch.testing.assert_close(weights[1][name], value, rtol=1e-4, atol=1e-5)
    losses = [(tmp_path / n / "record/losses.csv").read_text() for n in ("one", "two")]
    rows = [[float(x) for line in text.split()[1:] for x in line.split(",")] for text in losses]
    assert rows[1] == pytest.approx(rows[0], rel=1e-3)


def test_previews_and_curves_are_recorded(tiny, cases, tmp_path):
    fit(tiny, cases, tmp_path)
    record = tmp_path / "record"
    assert sorted(path.name for path in (record / "previews").iterdir()) == [
        "0000002.png",
        "0000004.png",
        "0000006.png",
    ]
    panel = np.asarray(Image.open(record / "previews" / "0000006.png"))
    assert panel.shape == (4 * tiny.crop, 4 * tiny.crop)
    assert panel.std() > 10
    assert any((record / "tensorboard").iterdir())


def test_a_kept_translator_is_one_that_can_be_loaded(tiny, cases, tmp_path):
    config = tiny.model_copy(update={"snapshots": 3})
    fit(config, cases, tmp_path)
    kept = kept_snapshots(tmp_path)
    assert [path.stem for path in kept] == ["0000004", "0000005", "0000006"]
    first, last = (load_file(path) for path in (kept[0], kept[-1]))
    assert any(not torch.equal(first[name], last[name]) for name in first)


def test_nothing_of_a_training_of_other_settings_is_left(tiny, cases, tmp_path):
    fit(tiny.model_copy(update={"iterations": 9}), cases, tmp_path)
    assert [path.stem for path in kept_snapshots(tmp_path)] == ["0000009"]
    fit(tiny, cases, tmp_path)
    assert [path.stem for path in kept_snapshots(tmp_path)] == ["0000006"]
    previews = (tmp_path / "record" / "previews").iterdir()
    assert max(path.stem for path in previews) == "0000006"


def test_the_segmenter_moves_the_translator_after_its_warm_up(tiny, labelled, tmp_path):
    def weights(name, **segmentation):
        config = type(tiny).model_validate(
            tiny.model_dump() | {"segmentation": {"channels": 4, "levels": 1} | segmentation}
        )
        fit(config, labelled, tmp_path / name).save(tmp_path / name)
        return load_file(tmp_path / name / "translator.safetensors")

    def same(one, other):
        return all(torch.equal(one[name], other[name]) for name in one)

    # All begin alike. Of 6 steps 0.5 waits for three, 0.99 for all.
    early, late, never = (weights(f"{w}", weight=10, warm_up=w) for w in (0, 0.5, 0.99))
    assert same(never, weights("weak", weight=20, warm_up=0.99))
    assert not same(late, never)
    assert not same(early, late)
    header = (tmp_path / "0.5/record/losses.csv").read_text().splitlines()[0]
    assert header.endswith(",segmentation")


def test_a_scan_without_the_label_that_segmentation_needs_is_named(tiny, labelled, tmp_path):
    source, target = labelled
    object.__setattr__(source[1], "label", None)
    config = type(tiny).model_validate(
        tiny.model_dump() | {"segmentation": {"weight": 1, "levels": 1}}
    )
    with pytest.raises(DataError, match=r"segmentation\.weight 1.0") as error:
        fit(config, (source, target), tmp_path)
    assert str(source[1].image) in str(error.value)


def test_labels_without_any_structure_are_refused_if_segmentation_needs_one(
    tiny, labelled, tmp_path
):
    source, _ = labelled
    for case in source:
        volume = load_volume(case.image)
        save_volume(Volume(np.zeros(volume.shape, np.uint8), volume.affine), case.label)
    config = tiny.model_copy(update={"foreground": 0.5})
    with pytest.raises(DataError, match=r"all is background.*foreground 0.5"):
        fit(config, labelled, tmp_path)


def test_a_crop_that_the_segmenter_cannot_halve_is_refused(tiny):
    values = tiny.model_dump() | {"segmentation": {"weight": 1, "levels": 4}}
    with pytest.raises(ValidationError, match=r"crop 24 .* multiple of 16"):
        type(tiny).model_validate(values)


def test_collapse_is_told_from_health():
    generator = torch.Generator().manual_seed(0)
    source, target = torch.rand(2, 4, 1, 16, 16, generator=generator) * 2 - 1
    assert collapse(source, -source, target) == ""
    assert "blank" in collapse(source, source * 0.01, target)
    broken = -source.clone()
    broken[0, 0, 0, 0] = float("nan")
    assert "finite" in collapse(source, broken, target)
    assert "alike" in collapse(source, source[:1].expand(4, -1, -1, -1), target)


def test_a_collapsed_training_is_stopped_and_named(tiny, cases, tmp_path):
    # Without any wish to keep the anatomy, and with a huge rate, a decoder saturates.
    config = tiny.model_copy(
        update={
            "cycle_weight": 0.0,
            "reconstruction_weight": 0.0,
            "learning_rate": 0.5,
            "iterations": 40,
        }
    )
    with pytest.raises(ConfigError, match=r"collapsed by step \d+.*cycle_weight"):
        fit(config, cases, tmp_path)


def test_a_way_back_that_collapsed_is_named(tiny):
    model = NiceGANModel(tiny, Runtime.single())
    with torch.no_grad():
        for parameter in model.source.decoder.parameters():
            parameter.zero_()
    noise = np.random.default_rng(0).uniform(-1, 1, (4, 24, 24)).astype(np.float32)
    sampler = PatchSampler([Stack(noise, None)], 24, 2, (), 0.0, 0, 0)
    watch = Watch([sampler, sampler], tiny.iterations)
    with pytest.raises(TrainingError, match="on the way back translations are blank"):
        watch.look(model, tiny.iterations)


def test_after_a_late_failure_the_last_kept_translator_is_used(
    tiny, cases, tmp_path, caplog, monkeypatch
):
    from past_gan.training import loop

    def fails_late(values, step):
        if step == 6:
            raise TrainingError("diverged at step 6.")

    monkeypatch.setattr(loop, "require_finite", fails_late)
    config = tiny.model_copy(update={"snapshots": 3})
    fitted = fit(config, cases, tmp_path / "run")
    assert "Of the translators kept before" in caplog.text
    fitted.save(tmp_path / "saved")
    kept = load_file(kept_snapshots(tmp_path / "run")[-1])
    saved = load_file(tmp_path / "saved" / "translator.safetensors")
    assert kept_snapshots(tmp_path / "run")[-1].stem == "0000005"
    assert all(torch.equal(kept[name], saved[name]) for name in kept)


def test_a_failure_in_one_of_several_processes_is_told_as_it_was(tiny, cases, tmp_path):
    config = tiny.model_copy(update={"processes": 2, "learning_rate": 1e30})
    with pytest.raises(ConfigError, match=r"diverged at step \d") as error:
        fit(config, cases, tmp_path)
    assert isinstance(error.value, TrainingError)


def test_scans_that_allow_no_figures_lose_no_training(tiny, labelled, tmp_path, caplog):
    source, target = labelled
    for case in target:
        # One slice has no neighbour to jump to.
        volume = load_volume(case.image)
        save_volume(Volume(volume.data[:, :, :1], volume.affine), case.image)
    config = tiny.model_copy(update={"quality": QualityConfig(cases=2, steps=1), "slice_axis": 2})
    fitted = fit(config, (source, target), tmp_path)
    assert "no label-free figures" in caplog.text
    assert measured(fitted, (source, target), BRIGHT, tmp_path) is None


def test_checkpoints_are_of_settings_and_data(tiny, cases, tmp_path):
    fit(tiny, cases, tmp_path)
    with (tmp_path / "checkpoint.safetensors").open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        facts = json.loads(json.loads(file.read(length))["__metadata__"]["past"])
    assert facts["step"] == tiny.iterations
    assert facts["cases"] == [["source_0", "source_1"], ["target_0", "target_1"]]


def test_kept_translators_are_measured_and_the_best_is_used(tiny, labelled, tmp_path):
    config = tiny.model_copy(
        update={"snapshots": 2, "quality": QualityConfig(cases=2, steps=4), "upsample": 1.5}
    )
    report = measured(fit(config, labelled, tmp_path), labelled, BRIGHT, tmp_path)
    assert set(report["translators"]) == {"5", "6"}
    assert set(report["baselines"]) == {"histogram", "fda"}
    for figures in report["translators"].values():
        assert figures["cycle"] > 0
        assert figures["continuity"] > 0
        assert set(figures["recovery"]) == set(figures["agreement"]) == {"bright"}
    scores = {int(step): f["score"] for step, f in report["translators"].items()}
    assert report["chosen"] == max(scores, key=lambda step: (scores[step], step))
    best = max(scores.values())
    assert report["beats_baselines"] == all(
        best > other["score"] for other in report["baselines"].values()
    )
    chosen = load_file(tmp_path / f"record/snapshots/{report['chosen']:07d}.safetensors")
    saved = load_file(tmp_path / "saved/translator.safetensors")
    assert all(torch.equal(chosen[name], saved[name]) for name in chosen)


def test_a_structure_that_no_scan_shows_is_named_and_does_not_count(tiny, labelled, tmp_path):
    config = type(tiny).model_validate(
        tiny.model_dump()
        | {"quality": {"cases": 2, "steps": 4}, "foreground": 0.5}
        | {"segmentation": {"weight": 1, "channels": 4, "levels": 1}}
    )
    translator, labels = NiceGAN(config), Labels(("bright", "absent"))
    translator.fit(*labelled, labels, Context(tmp_path, seed=3))
    report = measured(translator, labelled, labels, tmp_path)
    figures = report["translators"]["6"]
    assert figures["recovery"]["absent"] is figures["agreement"]["absent"] is None
    assert figures["score"] == pytest.approx(figures["looks"] * figures["recovery"]["bright"])


def test_figures_choose_the_best_and_their_lack_the_last():
    def quality(recovery):
        found = {"a": recovery}
        return Quality(0.2, 1.0, found, {"a": 1.0}, cycle=3.0, continuity=1.0)

    assert best_step({5: quality(0.9), 10: quality(0.4), 15: None}) == 5
    assert best_step({5: quality(0.4), 10: quality(0.4)}) == 10
    assert best_step({5: None, 10: None}) == 10
