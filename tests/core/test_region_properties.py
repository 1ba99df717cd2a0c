"""Regions over any grid: oblique, flipped and permuted axes, any spacing, shape and fractions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from past_core import ROI, ConfigError, Volume
from past_core.intensity import rescale

SIGNED_AXES = [
    np.diag(signs)[list(order)]
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]
"""All 48 ways that array axes may lie along those of the body."""


@st.composite
def grids(draw):
    """A volume of distinct voxels, up to half a right angle oblique."""
    shape = draw(st.tuples(*[st.integers(4, 12)] * 3))
    spacing = draw(st.tuples(*[st.floats(0.3, 6)] * 3))
    # Beyond some 30 degrees about each axis, which axis is nearest to which is another question.
    angles = draw(st.tuples(*[st.floats(-25, 25)] * 3))
    tilt = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = tilt @ draw(st.sampled_from(SIGNED_AXES)) @ np.diag(spacing)
    affine[:3, 3] = draw(st.tuples(*[st.floats(-200, 200)] * 3))
    data = np.random.default_rng(0).permutation(int(np.prod(shape))).reshape(shape) + 1
    return Volume(data.astype(np.uint16), affine)


def fractions(least):
    """A lower and an upper bound that are ``least`` or more apart."""
    return st.tuples(st.floats(0, 1 - least), st.floats(least, 1)).map(
        lambda pair: (min(pair[0], pair[1] - least), pair[1])
    )


@st.composite
def regions(draw):
    """A region that holds a voxel of the smallest volume, and one that holds it."""
    inner = [draw(fractions(0.3)) for _ in range(3)]
    outer = [
        (draw(st.floats(0, low)) if low else 0.0, draw(st.floats(high, 1))) for low, high in inner
    ]
    return tuple(ROI(*zip(*bounds, strict=True)) for bounds in (inner, outer))


def inside(roi, volume):
    """Where a region lies on a volume's own grid, by pasting ones."""
    ones = Volume(np.ones(roi.crop(volume).shape, np.uint8), roi.crop(volume).affine)
    return roi.paste(ones, volume.shape, volume.affine).data == 1


@given(grids(), regions())
def test_an_identity_segmenters_answer_is_its_input_where_the_region_is(volume, both):
    roi, _ = both
    cropped = roi.crop(volume)
    pasted = roi.paste(cropped, volume.shape, volume.affine)
    within = inside(roi, volume)
    assert np.array_equal(pasted.affine, volume.affine)
    assert np.array_equal(pasted.data, np.where(within, volume.data, 0))
    assert within.sum() == cropped.data.size
    assert np.array_equal(roi.crop(pasted).data, cropped.data)


@given(grids(), regions(), st.integers(2, 4))
def test_probabilities_come_back_exactly_and_are_background_outside(volume, both, classes):
    roi, _ = both
    cropped = roi.crop(volume)
    made = np.random.default_rng(1).random((classes, *cropped.shape)).astype(np.float16)
    pasted = roi.paste(Volume(made, cropped.affine), volume.shape, volume.affine)
    assert np.array_equal(roi.crop(pasted).data, made)
    outside = ~inside(roi, volume)
    assert (pasted.data[0][outside] == 1).all()
    assert (pasted.data[1:, outside] == 0).all()


@given(grids(), regions())
def test_every_voxel_keeps_its_place_in_space(volume, both):
    roi, _ = both
    cropped = roi.crop(volume)
    for corner in itertools.product(*((0, n - 1) for n in cropped.shape)):
        (was,) = np.argwhere(volume.data == cropped.data[corner])
        placed = volume.affine @ [*was, 1]
        assert np.allclose(cropped.affine @ [*corner, 1], placed, atol=1e-6)


@given(grids(), regions())
def test_a_region_is_the_same_whether_cut_at_once_or_from_the_one_around_it(volume, both):
    """Segmenters see the same voxels of a translated scan as of a real one."""
    roi, outer = both
    roi.require_within(outer)
    wide = outer.crop(volume)
    box = roi.within(outer, volume.canonical().shape)
    assert np.array_equal(wide.data[box], roi.crop(volume).data)


@given(grids(), regions())
def test_intensities_are_the_same_whether_scaled_before_the_cut_or_after(volume, both):
    roi, outer = both
    wide = rescale(outer.crop(volume), high=95)
    box = roi.within(outer, volume.canonical().shape)
    alone = rescale(roi.crop(volume), high=95, over=outer.crop(volume))
    assert np.array_equal(wide.data[box], alone.data)


@given(regions())
@settings(max_examples=50)
def test_a_region_beyond_that_of_translation_is_refused(both):
    roi, outer = both
    if roi != outer:
        with pytest.raises(ConfigError, match=r"beyond the region of translation"):
            outer.require_within(roi)
