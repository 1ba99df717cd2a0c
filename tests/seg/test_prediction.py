import contextlib

import numpy as np
import pytest
import torch

from past_core.errors import DataError
from past_core.volume import Volume
from past_seg.nnunet.config import NNUNetConfig
from past_seg.nnunet.folders import as_read
from past_seg.nnunet.segmenter import NNUNet


@pytest.fixture(scope="module")
def trained(tmp_path_factory, make_balls):
    """A network that has learned the ball on volumes of 1 x 1 x 1.5 mm."""

    torch.set_num_threads(1)
    balls = make_balls(tmp_path_factory.mktemp("trained"))
    changes = {
        "iterations": 120,
        "iterations_per_epoch": 60,
        "base_features": 8,
        "max_features": 16,
        "patch_voxels": 4096,
    }
    segmenter = NNUNet(NNUNetConfig(**(balls.tiny | changes)))
    segmenter.fit(balls.cases(3), balls.labels, balls.context("work"))
    return segmenter


def oblique(spacing):
    """Axes turned by 0.3 rad in two planes, in the order and signs of a sagittal scan."""
    c, s = np.cos(0.3), np.sin(0.3)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array(
        [[1, 0, 0], [0, c, -s], [0, s, c]]
    )
    axes = turn @ np.array([[0, 0, -1], [1, 0, 0], [0, 1, 0]])
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing
    affine[:3, 3] = 5, -7, 11
    return affine


def check(trained, case):
    """Predict, test what holds for all probabilities, and return them."""
    volume = case.load_image()
    probabilities = trained.predict(volume)
    assert probabilities.shape == (2, *volume.data.shape)
    assert probabilities.dtype == np.float32
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(0), 1, atol=1e-5)
    return probabilities


def test_probabilities_lie_on_the_grid_of_the_volume(balls, trained):
    case = balls.case("unseen", 99)
    found = check(trained, case).argmax(0)
    assert balls.dice(found, case.load_label().data) > 0.85


def test_an_oblique_volume_with_turned_axes_is_segmented_on_its_own_grid(balls, trained):
    case = balls.case("oblique", 98, shape=(24, 16, 24), affine=oblique((1, 1.5, 1)))
    found = check(trained, case).argmax(0)
    assert balls.dice(found, case.load_label().data) > 0.8


def test_another_voxel_size_is_resampled_there_and_back(balls, trained):
    """Half as many voxels along two axes, each twice as large."""
    fine = balls.case("fine", 97)
    coarse = Volume(fine.load_image().data[::2, ::2], np.diag([2, 2, 1.5, 1.0]))
    probabilities = trained.predict(coarse)
    assert probabilities.shape == (2, 12, 12, 16)
    np.testing.assert_allclose(probabilities.sum(0), 1, atol=1e-5)
    assert balls.dice(probabilities.argmax(0), fine.load_label().data[::2, ::2]) > 0.75


def test_a_flipped_volume_gives_flipped_probabilities(balls, trained):
    volume = balls.case("unseen", 99).load_image()
    flip = np.diag([-1, 1, 1, 1.0])
    flip[0, 3] = volume.shape[0] - 1
    flipped = Volume(volume.data[::-1], volume.affine @ flip)
    np.testing.assert_array_equal(trained.predict(flipped), trained.predict(volume)[:, ::-1])


def test_a_volume_smaller_than_the_patch_is_padded(balls, trained):
    volume = balls.case("unseen", 99).load_image()
    small = Volume(volume.data[8:17, 8:15, 4:9], volume.affine)
    assert trained.predict(small).shape == (2, 9, 7, 5)


def test_an_empty_rim_is_background(balls, trained):
    """nnU-Net crops to what is not 0; the rest must come back as background."""
    volume = balls.case("unseen", 99).load_image()
    volume.data[:5] = 0
    probabilities = trained.predict(volume)
    assert probabilities.shape == (2, *volume.shape)
    assert (probabilities[0, :5] == 1).all()


def test_the_same_volume_gives_the_same_probabilities(balls, trained):
    volume = balls.case("unseen", 99).load_image()
    before = volume.data.copy()
    first = trained.predict(volume)
    np.testing.assert_array_equal(first, trained.predict(volume))
    np.testing.assert_array_equal(volume.data, before)


@pytest.mark.parametrize("order", [np.ascontiguousarray, np.asfortranarray])
def test_a_volume_of_any_order_in_memory_is_read_as_from_a_file(order):
    """Means over another order are rounded otherwise, so a kept system gave voxels of its own."""
    data = np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32)
    array, _ = as_read(Volume(order(data), np.eye(4)))
    assert array.flags.c_contiguous
    np.testing.assert_array_equal(array[0].T, data)


def test_mirroring_averages_over_mirrored_copies(balls, trained):
    volume = balls.case("unseen", 99).load_image()
    trained.save(balls.folder / "saved")
    mirrored = NNUNet.load(balls.folder / "saved", prediction={"mirroring": True})
    whole = mirrored.predict(volume)
    flipped = mirrored.predict(Volume(volume.data[::-1, ::-1], volume.affine))[:, ::-1, ::-1]
    # The sliding window and half precision differ a little between the two.
    assert np.abs(flipped - whole).mean() < 0.01
    assert np.abs(trained.predict(volume) - whole).mean() > 0.01


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.full((8, 8, 8), np.nan), "NaN"),
        (np.zeros((8, 8, 8)), "all 0"),
        (np.ones((2, 8, 8, 8)), "not a 3D volume"),
        (np.ones((8, 8, 1)), "not a 3D volume"),
    ],
)
def test_an_unusable_volume_is_refused(trained, data, message):
    with pytest.raises(DataError, match=message):
        trained.predict(Volume(data, np.eye(4)))


def test_predicting_before_training_is_a_defect(balls):
    with pytest.raises(ValueError, match="call fit or load"):
        NNUNet(NNUNetConfig()).predict(balls.case("unseen", 99).load_image())


def _kernels(profile, operation):
    """Sizes of the kernels that an operation convolved by."""
    return {
        tuple(event.input_shapes[1][2:])
        for event in profile.key_averages(group_by_input_shape=True)
        if event.key == operation
    }


def test_a_patch_is_convolved_by_onednn_to_the_same_probabilities(balls, trained, monkeypatch):
    """Of one patch, torch would compute most of the convolutions itself, several times slower."""
    assert torch.backends.mkldnn.is_available()
    volume = balls.case("unseen", 99).load_image()
    with torch.profiler.profile(record_shapes=True) as profile:
        by_onednn = trained.predict(volume)
    assert _kernels(profile, "aten::mkldnn_convolution")
    # Of kernels of one voxel torch's own is the faster one.
    assert _kernels(profile, "aten::slow_conv3d") <= {(1, 1, 1)}
    monkeypatch.setattr("past_seg.nnunet.prediction.OneDNNConvolutions", contextlib.nullcontext)
    with torch.profiler.profile(record_shapes=True) as profile:
        by_torch = trained.predict(volume)
    assert (3, 3, 3) in _kernels(profile, "aten::slow_conv3d")
    # nnU-Net sums logits in half precision, which rounds them to a thousandth.
    np.testing.assert_allclose(by_onednn, by_torch, atol=2e-3)
