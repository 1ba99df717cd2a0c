"""Voxel weights: on the image's grid after every transform, and in the loss."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from nnunetv2.training.loss.compound_losses import DC_and_CE_loss
from nnunetv2.training.loss.dice import MemoryEfficientSoftDiceLoss

from past_core.errors import DataError
from past_core.volume import Volume, load_volume, save_volume
from past_seg.nnunet.config import NNUNetConfig
from past_seg.nnunet.segmenter import NNUNet
from past_seg.nnunet.trainer import Trainer
from past_seg.nnunet.voxel_weights import WeightedLoss


def weighted(case, weights):
    """The case with voxel weights; ``weights`` is a number or an array."""
    path = case.image.with_name(f"{case.id}_weights.nii.gz")
    label = case.load_label()
    array = np.broadcast_to(np.asarray(weights, np.float32), label.shape)
    save_volume(Volume(np.array(array), label.affine), path)
    return replace(case, voxel_weights=path)


def fitted(balls, cases, name, **changes):
    segmenter = NNUNet(NNUNetConfig(**(balls.tiny | changes)))
    segmenter.fit(cases, balls.labels, balls.context(name))
    return segmenter


def losses(ignore):
    plain = DC_and_CE_loss(
        {"batch_dice": False, "smooth": 1e-5, "do_bg": False, "ddp": False},
        {},
        ignore_label=ignore,
        dice_class=MemoryEfficientSoftDiceLoss,
    )
    return plain, WeightedLoss(plain)


@pytest.mark.parametrize("ignore", [None, 3])
def test_with_full_weights_the_loss_is_nnunets(ignore):
    torch.manual_seed(0)
    output = torch.randn(2, 3, 6, 5, 4)
    target = torch.randint(0, 3 if ignore is None else 4, (2, 1, 6, 5, 4))
    plain, own = losses(ignore)
    own.weights = torch.ones(2, 1, 6, 5, 4)
    assert float(own(output, target)) == pytest.approx(float(plain(output, target)), rel=1e-5)


def test_voxels_without_weight_count_as_little_as_ignored_ones():
    torch.manual_seed(0)
    output, target = torch.randn(2, 3, 6, 5, 4), torch.randint(0, 3, (2, 1, 6, 5, 4))
    counted = torch.rand(2, 1, 6, 5, 4) > 0.4
    plain, _ = losses(3)
    _, own = losses(None)
    own.weights = counted.float()
    expected = plain(output, torch.where(counted, target, 3))
    assert float(own(output, target)) == pytest.approx(float(expected), rel=1e-5)


def test_half_a_weight_is_half_a_voxel_in_dice_and_entropy():
    output = torch.tensor([[0.3, -0.2], [-0.3, 0.2]])[None, :, :, None, None]
    target = torch.tensor([1, 0])[None, None, :, None, None]
    _, own = losses(None)
    own.weights = torch.tensor([0.5, 1.0])[None, None, :, None, None]
    p = output.softmax(1)[0, :, :, 0, 0]
    entropy = -(0.5 * p[1, 0].log() + p[0, 1].log()) / 1.5
    dice = (2 * 0.5 * p[1, 0] + 1e-5) / (0.5 + 0.5 * p[1, 0] + p[1, 1] + 1e-5)
    assert float(own(output, target)) == pytest.approx(float(entropy - dice), rel=1e-4)


def test_coarse_outputs_have_the_mean_weight_of_their_voxels():
    output, target = torch.zeros(1, 2, 1, 1, 1), torch.ones(1, 1, 1, 1, 1)
    output[:, 1] = 1.0
    _, own = losses(None)
    own.weights = torch.zeros(1, 1, 2, 2, 2)
    own.weights[..., 0] = 1.0  # on the mean a half
    p = float(output.softmax(1)[0, 1])
    dice = (2 * 0.5 * p + 1e-5) / (0.5 + 0.5 * p + 1e-5)
    # A sum of weights below one voxel counts as it is: entropy / 1.
    assert float(own(output, target)) == pytest.approx(0.5 * -np.log(p) - dice, rel=1e-4)


@pytest.mark.parametrize(
    ("space", "patch", "deep", "flat"),
    [
        ({}, 1024, False, False),
        ({}, 4096, True, False),
        ({"affine": np.diag([-1, 1.5, 1, 1.0])}, 1024, False, False),
        ({"shape": (40, 40, 5)}, 8000, True, True),  # slices are turned by themselves
    ],
)
def test_weights_lie_where_their_voxels_do_after_preprocessing_and_augmentation(
    balls, monkeypatch, space, patch, *, deep, flat
):
    """Weights that mark the label: they must coincide with it in every patch."""
    seen, dummy_2d = [], set()
    step = Trainer.train_step

    def look(self, batch):
        target = batch["target"]
        finest = target[0] if self.enable_deep_supervision else target
        seen.append((self.enable_deep_supervision, batch["data"].clone(), finest.clone()))
        dummy_2d.add(self.configure_rotation_dummyDA_mirroring_and_inital_patch_size()[1])
        return step(self, batch)

    monkeypatch.setattr(Trainer, "train_step", look)
    cases = [balls.case(f"ball{n}", n, **space) for n in range(3)]
    marked = [weighted(case, 0.25 + 0.75 * case.load_label().data) for case in cases]
    numbers = {"iterations": 12, "iterations_per_epoch": 6, "patch_voxels": patch}
    fitted(balls, marked, "work", **numbers)
    assert len(seen) == 12
    assert dummy_2d == {flat}
    for supervised, data, target in seen:
        assert supervised == deep
        assert data.shape[1] == 2
        inside = data[:, 1][target[:, 0] == 1]
        outside = data[:, 1][target[:, 0] == 0]
        assert float(inside.mean()) > 0.85
        # Beyond the volume all voxels count in full; within it those outside a quarter.
        assert set((outside * 4).round().int().unique().tolist()) <= {1, 2, 3, 4}
        assert float(outside.min()) == pytest.approx(0.25, abs=0.01)


def test_weights_are_cropped_as_images_without_their_empty_border_are(balls, monkeypatch):
    seen = []
    step = Trainer.train_step

    def look(self, batch):
        seen.append((batch["data"].clone(), batch["target"].clone()))
        return step(self, batch)

    def border(image, label):
        image[:6], label[:6] = 0, 0

    monkeypatch.setattr(Trainer, "train_step", look)
    cases = [balls.case(f"ball{n}", n, change=border) for n in range(2)]
    marked = [weighted(case, 0.25 + 0.75 * case.load_label().data) for case in cases]
    fitted(balls, marked, "work")
    inside = [data[:, 1][target[:, 0] == 1] for data, target in seen]
    assert float(torch.cat(inside).mean()) > 0.85


def test_a_case_without_weights_beside_one_with_them_counts_in_full(balls, monkeypatch):
    seen = []
    step = Trainer.train_step

    def look(self, batch):
        seen.extend(zip(batch["keys"], batch["data"][:, 1], strict=True))
        return step(self, batch)

    monkeypatch.setattr(Trainer, "train_step", look)
    cases = balls.cases(2)
    fitted(balls, [weighted(cases[0], 0.5), cases[1]], "work")
    assert {key for key, _ in seen} == {"ball0", "ball1"}
    for key, weights in seen:
        if key == "ball1":
            assert (weights == 1).all()
        else:
            assert float(weights.min()) == pytest.approx(0.5, abs=1e-3)


def test_full_weights_train_the_same_network_and_others_another(balls):
    cases = balls.cases(2)
    plain = fitted(balls, cases, "plain")
    full = fitted(balls, [weighted(case, 1.0) for case in cases], "full")
    expected, found = (
        one.predict(cases[0].load_image()).astype(np.float64) for one in (plain, full)
    )
    # The sums are the same in another order.
    assert np.allclose(found, expected, atol=2e-3)
    half = np.ones(cases[0].load_label().shape)
    half[:12] = 0.1
    other = fitted(balls, [weighted(case, half) for case in cases], "half")
    assert not np.allclose(other.predict(cases[0].load_image()), expected, atol=5e-3)


def test_what_counts_for_nothing_is_not_learnt(balls):
    """Half of the cases call the ball background, with weight 0: it is learnt all the same."""
    cases = balls.cases(4)
    blind = []
    for case in cases[2:]:
        label = case.load_label()
        hidden = label.data.astype(bool)
        save_volume(Volume(np.zeros_like(label.data), label.affine), case.label)
        blind.append(weighted(case, np.where(hidden, 0.0, 1.0)))
    learning = {"iterations": 60, "iterations_per_epoch": 30, "base_features": 8}
    learning |= {"max_features": 16, "patch_voxels": 4096}
    segmenter = fitted(balls, [*cases[:2], *blind], "work", **learning)
    unseen = balls.case("unseen", 99)
    found = segmenter.predict(unseen.load_image()).argmax(0)
    assert balls.dice(found, unseen.load_label().data) > 0.8


@pytest.mark.parametrize("patch", [1024, 4096])
def test_other_weights_are_another_training(balls, patch):
    """With one output and with several, of coarser ones too."""
    case, other = balls.cases(2)
    first = fitted(balls, [weighted(case, 1.0), other], "work", patch_voxels=patch)
    before = balls.weights(first, "first")
    again = fitted(balls, [weighted(case, 0.1), other], "work", patch_voxels=patch)
    assert balls.weights(again, "again") != before


def test_an_interrupted_weighted_training_resumes_to_the_same_weights(balls):
    cases = [weighted(case, 0.25 + 0.75 * case.load_label().data) for case in balls.cases(2)]
    whole = balls.weights(fitted(balls, cases, "whole"), "a")

    def stop(done, total, note=""):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        NNUNet(NNUNetConfig(**balls.tiny)).fit(
            cases, balls.labels, balls.context("broken", progress=stop)
        )
    assert balls.weights(fitted(balls, cases, "broken"), "b") == whole


@pytest.mark.parametrize("spoil", ["shape", "range"])
def test_impossible_weights_are_refused_by_file_name(balls, spoil):
    case, other = balls.cases(2)
    bad = weighted(case, 2.0 if spoil == "range" else 1.0)
    if spoil == "shape":
        volume = load_volume(bad.voxel_weights)
        save_volume(Volume(volume.data[:5], volume.affine), bad.voxel_weights)
    with pytest.raises(DataError, match=r"ball0_weights.nii.gz: .*between 0 and 1 on the grid"):
        fitted(balls, [bad, other], "work")


def test_saved_segmenters_have_one_channel(balls):
    case, other = balls.cases(2)
    segmenter = fitted(balls, [weighted(case, 0.5), other], "work")
    segmenter.save(balls.folder / "saved")
    said = json.loads((balls.folder / "saved" / "segmenter.json").read_text())
    assert said["dataset"]["channel_names"] == {"0": "MRI"}
    again = NNUNet.load(balls.folder / "saved")
    assert np.array_equal(again.predict(case.load_image()), segmenter.predict(case.load_image()))
