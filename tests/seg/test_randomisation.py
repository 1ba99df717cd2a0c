"""Random looks: what they change, what they leave, and that segmenters gain from them."""

import numpy as np
import pytest
import torch

from past_core.config import parse_config
from past_core.errors import ConfigError
from past_seg.nnunet import augmentation, trainer
from past_seg.nnunet.config import NNUNetConfig
from past_seg.nnunet.randomisation import (
    RandomLook,
    random_convolution,
    random_look,
    random_structures,
)
from past_seg.nnunet.segmenter import NNUNet

REACH = 4
"""Voxels that four layers of kernels of three voxels look far, to each side."""


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def two_halves(shape=(1, 1, 20, 20, 24)):
    """Label 1 in the upper half of the last axis."""
    labels = torch.zeros(shape)
    labels[..., shape[-1] // 2 :] = 1
    return labels


def halves(image):
    """What lies in either half, out of reach of the other and of the border."""
    inner = image[..., REACH:-REACH, REACH:-REACH, :]
    middle = image.shape[-1] // 2
    return inner[..., REACH : middle - REACH], inner[..., middle + REACH : -REACH]


def test_a_random_look_keeps_the_norm_and_is_repeatable():
    images = torch.randn(2, 1, 8, 9, 10)
    torch.manual_seed(1)
    found = random_convolution(images)
    assert not torch.allclose(found, images, atol=0.01)
    for one, other in zip(found, images, strict=True):
        assert one.norm() == pytest.approx(float(other.norm()), rel=1e-5)
    torch.manual_seed(1)
    assert torch.equal(found, random_convolution(images))
    assert not torch.equal(found, random_convolution(images))


def test_looks_reverse_contrast_now_and_then():
    labels = two_halves()
    reversed_ = 0
    for _ in range(100):
        dark, bright = halves(random_convolution(2 * labels - 1))
        reversed_ += bool(dark.mean() > bright.mean())
    assert 3 < reversed_ < 50  # mixed with the image itself, so in less than half


def test_one_convolution_cannot_tell_equal_structures_apart_but_one_for_each_can():
    labels, image = two_halves(), torch.ones(1, 1, 20, 20, 24)
    first, second = halves(random_convolution(image))
    assert first.mean() == pytest.approx(float(second.mean()), rel=1e-4)
    differences = []
    for _ in range(20):
        first, second = halves(random_structures(image, labels))
        assert first.std() < 1e-4
        assert second.std() < 1e-4
        differences.append(abs(float(first.mean() - second.mean())))
    assert np.median(differences) > 0.1


def test_what_has_no_label_is_background():
    labels, image = two_halves(), torch.ones(1, 1, 20, 20, 24)
    labels[labels == 0] = -1
    torch.manual_seed(1)
    found = random_structures(image, labels)
    torch.manual_seed(1)
    assert torch.equal(found, random_structures(image, two_halves()))


def test_each_look_has_its_share_of_the_patches(monkeypatch):
    import past_seg.nnunet.randomisation as room

    monkeypatch.setattr(room, "random_convolution", lambda image: image + 1)
    monkeypatch.setattr(room, "random_structures", lambda image, label: image + 2 + label)
    images, labels = torch.zeros(4000, 1, 1, 1, 1), torch.ones(4000, 1, 1, 1, 1)
    found = random_look(images, labels, 0.5, 0.2).flatten()
    assert found.shape == (4000,)
    portions = [(found == value).double().mean() for value in (0, 1, 3)]
    assert portions == pytest.approx([0.3, 0.5, 0.2], abs=0.03)


def test_shares_of_more_than_all_patches_are_refused():
    with pytest.raises(ConfigError, match=r"random_convolution and random_structures.*1\.2"):
        parse_config(NNUNetConfig, {"random_convolution": 0.5, "random_structures": 0.7}, "seg")


def test_without_shares_nothing_is_drawn(balls, monkeypatch):
    monkeypatch.setattr(augmentation, "RandomLook", None)
    NNUNet(NNUNetConfig(**balls.tiny)).fit(balls.cases(2), balls.labels, balls.context("work"))


def test_looks_come_between_transforms_of_space_and_of_intensity(balls, monkeypatch):
    """So nnU-Net's own noise, blur and contrast vary the random looks."""
    kept = []

    def patches(self):
        source = plain(self)
        kept.extend(source.data_loader.transforms.transforms)
        return source

    plain = trainer.Trainer._patches
    monkeypatch.setattr(trainer.Trainer, "_patches", patches)
    looks = {"random_convolution": 0.25, "random_structures": 0.5, "iterations": 1}
    for distance, slices in ((1.0, 24), (6.0, 6)):  # the latter is turned within slices alone
        kept.clear()
        shape, affine = (24, 24, slices), np.diag([1, 1, distance, 1])
        cases = balls.cases(2, shape=shape, affine=affine)
        config = NNUNetConfig(**(balls.tiny | looks | {"patch_voxels": 8192}))
        NNUNet(config).fit(cases, balls.labels, balls.context(f"work{distance}"))
        names = [type(one).__name__ for one in kept]
        place = names.index("RandomLook")
        last = "SpatialTransform" if distance == 1 else "Convert2DTo3DTransform"
        assert names[place - 1] == last
        assert names[place + 1] == "RandomTransform"
        assert (kept[place].convolution, kept[place].structures) == (0.25, 0.5)


def test_a_patch_and_its_own_label_are_handed_on(monkeypatch):
    seen = []

    def look(images, labels, *shares):
        seen.append((images, labels, shares))
        return images + 1

    monkeypatch.setattr("past_seg.nnunet.randomisation.random_look", look)
    image, label = torch.zeros(1, 3, 4, 5), torch.ones(1, 3, 4, 5)
    found = RandomLook(0.1, 0.2)(image=image, segmentation=label)
    assert torch.equal(found["image"], image + 1)
    assert found["segmentation"] is label
    ((images, labels, shares),) = seen
    assert images.shape == labels.shape == (1, 1, 3, 4, 5)
    assert shares == (0.1, 0.2)


def test_voxels_left_out_of_training_are_no_structure(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "past_seg.nnunet.randomisation.random_look",
        lambda images, labels, *_: seen.append(labels) or images,
    )
    label = torch.tensor([[[[0, 1, 2, -1]]]])
    RandomLook(0, 1, ignore=2)(image=torch.zeros(1, 1, 1, 4), segmentation=label)
    assert seen[0].flatten().tolist() == [0, 1, 0, -1]


def reversed_contrast(image, _label):
    image[:] = 256 - image


@pytest.mark.slow
def test_with_random_looks_another_contrast_is_segmented(balls):
    """Trained on bright balls, applied to dark ones."""
    dice = {}
    unseen = balls.case("unseen", 99, change=reversed_contrast)
    for share in (0.0, 0.4):
        size = {"iterations": 120, "iterations_per_epoch": 30, "patch_voxels": 8192}
        looks = {"random_convolution": share, "random_structures": share}
        segmenter = NNUNet(NNUNetConfig(**(balls.tiny | size | looks)))
        segmenter.fit(balls.cases(3), balls.labels, balls.context(f"work{share}"))
        found = segmenter.predict(unseen.load_image()).argmax(0)
        dice[share] = balls.dice(found, unseen.load_label().data)
    assert dice[0.0] < 0.2
    assert dice[0.4] > 0.5
