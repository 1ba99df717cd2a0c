"""Regions of interest: a crop pasted back lies exactly where it came from."""

from __future__ import annotations

import numpy as np
import pytest

from past_core import ROI, ConfigError, Volume

PAPER = ROI(lower=(1 / 4, 1 / 4, 0), upper=(3 / 4, 5 / 8, 1))
SHAPE = (11, 16, 7)


def affine_of(order, signs, shear=0.0):
    """Axes in this order and direction, with an oblique part."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, (where, sign) in enumerate(zip(order, signs, strict=True)):
        affine[where, axis] = sign * (axis + 1) / 2
    tilt = np.eye(3)
    tilt[0, 1], tilt[1, 0] = shear, -shear
    affine[:3, :3] = tilt @ affine[:3, :3]
    affine[:3, 3] = (12.5, -40.0, 3.25)
    return affine


AFFINES = {
    "RAS": affine_of((0, 1, 2), (1, 1, 1)),
    "LPS": affine_of((0, 1, 2), (-1, -1, 1)),
    "sagittal PIR": affine_of((1, 2, 0), (-1, -1, 1)),
    "swapped SLA": affine_of((2, 0, 1), (1, -1, 1)),
    "oblique": affine_of((0, 1, 2), (1, 1, 1), 0.3),
    "oblique, flipped, swapped": affine_of((2, 1, 0), (-1, 1, -1), 0.25),
}


@pytest.fixture(params=AFFINES.values(), ids=AFFINES.keys())
def affine(request):
    return request.param


def random_volume(affine, dtype=np.uint8, channels=()):
    data = np.random.default_rng(0).integers(1, 100, (*channels, *SHAPE)).astype(dtype)
    return Volume(data, affine)


@pytest.mark.parametrize("roi", [PAPER, ROI()], ids=["paper", "whole"])
def test_a_pasted_segmentation_equals_the_original_inside_and_is_background_outside(affine, roi):
    original = random_volume(affine)
    cropped = roi.crop(original)
    pasted = roi.paste(cropped, original.shape, original.affine)
    assert pasted.data.dtype == np.uint8
    assert pasted.data.shape == SHAPE
    assert np.array_equal(pasted.affine, affine)
    inside = roi.paste(Volume(np.ones_like(cropped.data), cropped.affine), SHAPE, affine).data > 0
    assert inside.sum() == cropped.data.size
    assert np.array_equal(pasted.data, np.where(inside, original.data, 0))


def test_pasted_probabilities_are_exact_inside_and_background_outside(affine):
    reference = random_volume(affine)
    cropped = PAPER.crop(reference)
    probabilities = np.random.default_rng(1).random((3, *cropped.shape)).astype(np.float16)
    pasted = PAPER.paste(Volume(probabilities, cropped.affine), SHAPE, affine)
    assert pasted.data.dtype == np.float16
    assert pasted.data.shape == (3, *SHAPE)
    assert np.array_equal(PAPER.crop(pasted).data, probabilities)
    ones = Volume(np.ones(cropped.shape, np.uint8), cropped.affine)
    outside = PAPER.paste(ones, SHAPE, affine).data == 0
    assert (pasted.data[0][outside] == 1).all()
    assert (pasted.data[1:, outside] == 0).all()


def test_every_cropped_voxel_keeps_its_place_in_space(affine):
    original = Volume(np.arange(np.prod(SHAPE)).reshape(SHAPE), affine)
    cropped = PAPER.crop(original)
    for value in (cropped.data[0, 0, 0], cropped.data[-1, -1, -1], cropped.data[2, 1, 3]):
        was = affine @ [*np.argwhere(original.data == value)[0], 1]
        now = cropped.affine @ [*np.argwhere(cropped.data == value)[0], 1]
        assert np.allclose(was, now)


def test_stacks_are_cropped_along_their_spatial_axes(affine):
    stack = random_volume(affine, np.float32, channels=(2,))
    cropped = PAPER.crop(stack)
    for channel in range(2):
        alone = PAPER.crop(Volume(stack.data[channel], affine))
        assert np.array_equal(cropped.data[channel], alone.data)


def test_fractions_count_from_right_to_left_back_to_front_and_below_to_above():
    """In an LPS array the front is at low j: the paper's rows 3/8 to 3/4."""
    data = np.zeros((16, 16, 4), np.uint8)
    data[4:12, 6:12] = 1
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    assert PAPER.crop(Volume(data, affine)).data.all()
    assert PAPER.crop(Volume(data, affine)).data.sum() == data.sum()


def test_the_crop_does_not_share_memory_with_its_source():
    original = random_volume(np.eye(4))
    ROI().crop(original).data[...] = 0
    assert original.data.all()


@pytest.mark.parametrize(
    ("lower", "upper"),
    [((0.5, 0, 0), (0.5, 1, 1)), ((0, 0.8, 0), (1, 0.2, 1)), ((-0.1, 0, 0), (1, 1, 1))],
)
def test_an_empty_or_outlying_region_is_refused(lower, upper):
    with pytest.raises(ConfigError, match=r"roi: axis \d runs from .* 0 <= lower < upper <= 1"):
        ROI(lower, upper)


def test_a_region_too_thin_for_a_volume_is_refused_with_axis_and_shape():
    roi = ROI((0, 0, 0.5), (1, 1, 0.6))
    with pytest.raises(ConfigError, match=r"no voxel is left along axis 2 .*\(8, 8, 3\).*Widen"):
        roi.crop(Volume(np.zeros((8, 8, 3)), np.eye(4)))


def test_an_array_that_is_not_the_regions_is_refused():
    with pytest.raises(ValueError, match=r"shape \(3, 3, 3\), the region .* has \(11, 16, 7\)"):
        ROI().paste(Volume(np.zeros((3, 3, 3)), np.eye(4)), SHAPE, np.eye(4))


def test_neighbouring_regions_share_no_voxel_and_leave_none():
    for size in range(2, 40):
        low, high = (
            ROI((a, 0, 0), (b, 1, 1)).box((size, 1, 1))[0] for a, b in ((0, 0.3), (0.3, 1))
        )
        assert low.stop == high.start
        assert (low.start, high.stop) == (0, size)
