import csv
import json
import os
import random
import subprocess
import sys
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import torch

from past_core.config import parse_config
from past_core.errors import ConfigError, DataError
from past_core.labels import Labels
from past_seg.nnunet.config import NNUNetConfig, ResUNetConfig
from past_seg.nnunet.segmenter import NNUNet, ResUNet
from past_seg.nnunet.trainer import Trainer
from past_seg.nnunet.widths import narrowest_width

LEARNING = {
    "iterations": 60,
    "iterations_per_epoch": 30,
    "base_features": 8,
    "max_features": 16,
    "patch_voxels": 4096,
}


def small(balls, **changes):
    return NNUNet(NNUNetConfig(**(balls.tiny | changes)))


def plan_of(folder):
    plans = json.loads((folder / "prepared.json").read_text())["plans"]
    (configuration,) = plans["configurations"].values()
    return configuration


@pytest.mark.parametrize(("plugin", "config"), [(NNUNet, NNUNetConfig), (ResUNet, ResUNetConfig)])
def test_a_ball_is_learned_in_seconds(balls, plugin, config):
    segmenter = plugin(config(**(balls.tiny | LEARNING)))
    segmenter.fit(balls.cases(3), balls.labels, balls.context("work"))
    unseen = balls.case("unseen", 99)
    found = segmenter.predict(unseen.load_image()).argmax(0)
    assert balls.dice(found, unseen.load_label().data) > 0.85


def test_nnunet_itself_fingerprints_plans_and_preprocesses(balls):
    small(balls).fit(balls.cases(2), balls.labels, balls.context("work"))
    raw = balls.folder / "work/raw/Dataset001_PAST"
    preprocessed = balls.folder / "work/preprocessed/Dataset001_PAST"
    names = sorted(path.name for path in (raw / "imagesTr").iterdir())
    assert names == ["ball0_0000.nii", "ball1_0000.nii"]
    assert (preprocessed / "dataset_fingerprint.json").exists()
    assert (preprocessed / "nnUNetPlans.json").exists()
    assert len(list((preprocessed / "nnUNetPlans_3d_fullres").rglob("*.np[yz]"))) == 6


@pytest.mark.parametrize("budget", [1024, 4096])
def test_the_budget_bounds_the_patch_and_the_features_the_network(balls, budget):
    settings = balls.tiny | {"patch_voxels": budget, "iterations": 1}
    segmenter = ResUNet(ResUNetConfig(**settings))
    segmenter.fit(balls.cases(2), balls.labels, balls.context("work"))
    plan = plan_of(balls.folder / "work")
    architecture = plan["architecture"]
    assert budget / 4 < np.prod(plan["patch_size"]) <= budget
    assert architecture["arch_kwargs"]["features_per_stage"][:2] == [4, 8]
    assert max(architecture["arch_kwargs"]["features_per_stage"]) == 8
    assert architecture["network_class_name"].endswith("ResidualEncoderUNet")


def test_without_a_budget_nnunet_plans_by_memory(balls):
    segmenter = small(balls, patch_voxels=None, iterations=1, batch_size=1)
    segmenter.fit(balls.cases(2), balls.labels, balls.context("work"))
    assert plan_of(balls.folder / "work")["patch_size"] == [16, 24, 24]


def test_coverage_coarsens_the_voxels_until_the_patch_covers_enough(balls):
    spacing = {}
    for coverage in (0.0, 0.5):
        context = balls.context(f"work{coverage}")
        segmenter = small(balls, coverage=coverage, structure_voxels=2)
        segmenter.fit(balls.cases(2), balls.labels, context)
        plan = plan_of(context.folder)
        spacing[coverage] = np.prod(plan["spacing"])
        share = np.prod(plan["patch_size"]) / np.prod(plan["median_image_size_in_voxels"])
        assert share > coverage
        volume = balls.case("unseen", 99).load_image()
        assert segmenter.predict(volume).shape == (2, *volume.shape)
    assert spacing[0.0] == pytest.approx(1.5)
    assert spacing[0.5] > 2 * spacing[0.0]


def test_coverage_leaves_the_narrowest_structure_its_voxels(balls):
    cases = balls.cases(2)
    width = narrowest_width(cases, balls.labels)

    def finest_spacing(name, **settings):
        context = balls.context(name)
        small(balls, iterations=1, patch_voxels=512, **settings).fit(cases, balls.labels, context)
        return min(plan_of(context.folder)["spacing"])

    finest = {
        voxels: finest_spacing(f"of{voxels}", coverage=0.9, structure_voxels=voxels)
        for voxels in (1, 3, 4, 100)
    }
    assert width / finest[1] > 2.5
    assert 3 <= width / finest[3] < width / finest[4]
    assert 4 <= width / finest[4] < width / finest[100] < 100
    # More than it can have leaves nnU-Net's own rule.
    assert finest[100] == finest_spacing("own", coverage=0.25)


def test_the_loss_has_no_gradient_under_ignore(balls, monkeypatch):
    def half_ignored(_, label):
        label[:, 12:] = balls.labels.ignore

    seen = []
    step = Trainer.train_step

    def watched(trainer, batch):
        seen.append((trainer.loss, batch["target"]))
        return step(trainer, batch)

    monkeypatch.setattr(Trainer, "train_step", watched)
    small(balls, patch_voxels=4096).fit(
        balls.cases(2, change=half_ignored), balls.labels, balls.context("work")
    )
    loss, targets = seen[-1]
    logits = [torch.randn(t.shape[0], 2, *t.shape[2:], requires_grad=True) for t in targets]
    loss(logits, targets).backward()
    ignored = (targets[0] == balls.labels.ignore).expand_as(logits[0])
    assert ignored.any()
    assert (logits[0].grad[ignored] == 0).all()
    assert (logits[0].grad[~ignored] != 0).any()


def test_ignore_is_declared_only_where_it_occurs_and_adds_no_output(balls):
    def corner_ignored(_, label):
        label[:4] = balls.labels.ignore

    image = balls.case("unseen", 99).load_image()
    for name, change, declared in (("without", None, False), ("with", corner_ignored, True)):
        segmenter = small(balls)
        segmenter.fit(balls.cases(2, change=change), balls.labels, balls.context(name))
        dataset = (balls.folder / name / "raw/Dataset001_PAST/dataset.json").read_text()
        assert ('"ignore": 2' in dataset) is declared
        assert segmenter.predict(image).shape[0] == 2


def test_a_case_without_its_structure_is_no_obstacle(balls):
    def emptied(_, label):
        label[:] = 0

    cases = [*balls.cases(2), balls.case("empty", 5, change=emptied)]
    segmenter = small(balls)
    segmenter.fit(cases, balls.labels, balls.context("work"))
    assert segmenter.predict(cases[0].load_image()).shape[0] == 2


def test_orientation_of_the_files_does_not_matter(balls):
    """The same anatomy stored along other axes gives the same weights."""
    turned = []
    for case in balls.cases(2):
        for path in (case.image, case.label):
            image = nib.load(path).as_reoriented([[2, 1], [0, -1], [1, -1]])
            nib.save(image, balls.folder / f"turned_{path.name}")
        turned.append(
            type(case)(
                case.id,
                case.domain,
                balls.folder / f"turned_{case.image.name}",
                balls.folder / f"turned_{case.label.name}",
            )
        )
    found = []
    for name, cases in (("straight", balls.cases(2)), ("turned", turned)):
        segmenter = small(balls)
        segmenter.fit(cases, balls.labels, balls.context(name))
        found.append(balls.weights(segmenter, f"saved_{name}"))
    assert found[0] == found[1]


def test_one_seed_gives_one_result_and_another_seed_another(balls):
    cases = balls.cases(2)
    found = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        segmenter = small(balls)
        random.seed(name)  # what ran before must not matter
        segmenter.fit(cases, balls.labels, balls.context(name, seed=seed))
        found.append(balls.weights(segmenter, f"saved_{name}"))
    assert found[0] == found[1] != found[2]


def test_sgd_follows_the_polynomial_rate_and_adamw_one_cycle(balls):
    rates = {}
    for optimizer in ("sgd", "adamw"):
        small(balls, optimizer=optimizer, learning_rate=0.01).fit(
            balls.cases(2), balls.labels, balls.context(optimizer)
        )
        with (balls.folder / optimizer / "record/losses.csv").open() as file:
            rates[optimizer] = [float(row["learning_rate"]) for row in csv.DictReader(file)]
    by_epoch = [0.01 * (1 - epoch / 3) ** 0.9 for epoch in (0, 0, 1, 1, 2, 2)]
    assert rates["sgd"] == pytest.approx(by_epoch)
    assert rates["adamw"][0] == pytest.approx(0.01 / 25)
    assert max(rates["adamw"]) > 0.9 * 0.01 > 5 * rates["adamw"][-1]


def test_progress_counts_iterations(balls):
    seen = []
    context = balls.context(
        "work", progress=lambda done, total, note="": seen.append((done, total))
    )
    small(balls, iterations=5).fit(balls.cases(2), balls.labels, context)
    assert seen[-5:] == [(n, 5) for n in range(1, 6)]


def test_surroundings_are_left_as_they_were(balls, capfd, monkeypatch):
    monkeypatch.setenv("nnUNet_raw", "mine")
    monkeypatch.delenv("nnUNet_results", raising=False)
    environment, stdout = dict(os.environ), sys.stdout
    numbers = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()  # noqa: NPY002
    for name in ("first", "second"):
        small(balls).fit(balls.cases(2), balls.labels, balls.context(name))
    assert dict(os.environ) == environment
    assert sys.stdout is stdout
    assert random.getstate() == numbers[0]
    assert np.random.get_state()[1].tolist() == numbers[1]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), numbers[2])
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err == ""


def test_what_nnunet_prints_is_logged(balls, caplog):
    with caplog.at_level("INFO", logger="past_seg"):
        small(balls).fit(balls.cases(2), balls.labels, balls.context("work"))
    assert "U-Net configuration" in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda image, label: label.__setitem__(0, 9), r"label.nii.gz: label values \[9\]"),
        (lambda image, label: image.__setitem__(0, np.nan), r"bad.nii.gz: holds NaN"),
        (lambda image, label: image.fill(0), r"bad.nii.gz: every voxel is 0"),
    ],
)
def test_an_unusable_case_is_named_before_training(balls, change, message):
    cases = [*balls.cases(1), balls.case("bad", 1, change=change)]
    with pytest.raises(DataError, match=message):
        small(balls).fit(cases, balls.labels, balls.context("work"))


def test_a_loss_that_diverges_stops_the_fit(balls):
    with pytest.raises(ConfigError, match="Lower learning_rate"):
        small(balls, iterations=40, optimizer="sgd", learning_rate=1e30).fit(
            balls.cases(2), balls.labels, balls.context("work")
        )


def test_a_network_of_two_stages_learns_too(balls):
    """Two stages have no deep supervision, which nnU-Net's weighting turns into nan."""
    small(balls, patch_voxels=1024).fit(balls.cases(2), balls.labels, balls.context("work"))
    plan = plan_of(balls.folder / "work")
    assert plan["architecture"]["arch_kwargs"]["n_stages"] == 2


def test_labels_without_any_structure_are_refused(balls):
    cases = balls.cases(2, change=lambda image, label: label.fill(0))
    with pytest.raises(DataError, match="nothing to learn"):
        small(balls).fit(cases, balls.labels, balls.context("work"))


def test_two_cases_of_one_name_are_refused(balls):
    cases = balls.cases(2)
    with pytest.raises(DataError, match="ball0"):
        small(balls).fit([*cases, cases[0]], balls.labels, balls.context("work"))


def test_wrong_settings_name_key_and_value():
    with pytest.raises(ConfigError, match=r"seg\.iterations: .*got 0"):
        parse_config(NNUNetConfig, {"iterations": 0}, "seg")
    with pytest.raises(ConfigError, match=r"seg\.epochs: unknown key.*iterations"):
        parse_config(NNUNetConfig, {"epochs": 5}, "seg")
    with pytest.raises(ConfigError, match="max_features"):
        parse_config(NNUNetConfig, {"base_features": 64, "max_features": 8}, "seg")


def test_importing_the_plugin_and_its_configuration_needs_no_torch():
    code = "import sys, past_seg.plugin, past_seg.nnunet.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_labels_of_several_structures_keep_their_order(balls):
    def two(image, label):
        label[label == 1] = 2
        label[:3, :3, :3] = 1
        image[:3, :3, :3] = 250

    segmenter = small(balls, **LEARNING)
    labels = Labels(("corner", "ball"))
    segmenter.fit(balls.cases(3, change=two), labels, balls.context("work"))
    unseen = balls.case("unseen", 99, change=two)
    found = segmenter.predict(unseen.load_image()).argmax(0)
    assert balls.dice(found == 2, unseen.load_label().data == 2) > 0.8


def test_cases_are_drawn_by_their_weights(balls, monkeypatch):
    drawn = []

    def noting(trainer, batch):
        drawn.extend(batch["keys"])
        trainer.optimizer.step()
        return {"loss": 0.0}

    monkeypatch.setattr(Trainer, "train_step", noting)
    cases = [
        replace(case, weight=weight)
        for case, weight in zip(balls.cases(3), (0.3, 0.6, 2.1), strict=True)
    ]
    small(balls, iterations=300, iterations_per_epoch=300).fit(
        cases, balls.labels, balls.context("work")
    )
    portions = [drawn.count(case.id) / len(drawn) for case in cases]
    assert portions == pytest.approx([0.1, 0.2, 0.7], abs=0.06)
