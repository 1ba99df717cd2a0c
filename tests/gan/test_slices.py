"""Slices, patches, and the way back to a volume."""

import numpy as np
import pytest
import torch

from past_core.case import Case, Domain
from past_core.errors import DataError
from past_core.volume import Volume, save_volume
from past_gan.slices import PatchSampler, mirrored_axes, read_slices, slice_axis, slices_of
from past_gan.translation import translate_volume


def sampler(slices, **changes):
    settings = {"crop": 8, "batch_size": 3, "mirror": (0,), "resize": 0.2, "seed": 5, "stream": 0}
    return PatchSampler(slices, **settings | changes)


@pytest.fixture
def slices():
    return [torch.rand(1, 10 + n, 14, generator=torch.Generator().manual_seed(n)) for n in range(4)]


def test_slice_axis_is_the_coarsest_unless_set():
    assert slice_axis([(0.5, 0.5, 1.5)], "auto") == 2
    assert slice_axis([(2.0, 1.0, 1.0), (2.2, 1.0, 1.0)], "auto") == 0
    assert slice_axis([(1.0, 1.0, 1.0)], "auto") == 2
    assert slice_axis([(2.0, 1.0, 1.0)], 1) == 1


def test_batches_depend_on_seed_stream_and_step_alone(slices):
    one, other = sampler(slices), sampler(slices)
    late = one.batch(7)
    other.batch(0)
    assert torch.equal(late, other.batch(7))
    assert not torch.equal(late, one.batch(8))
    assert not torch.equal(late, sampler(slices, seed=6).batch(7))
    assert not torch.equal(late, sampler(slices, stream=1).batch(7))


def test_patches_are_parts_of_slices(slices):
    patches = sampler(slices, resize=0.0, mirror=(), batch_size=20).batch(0)
    windows = torch.cat([s.unfold(1, 8, 1).unfold(2, 8, 1).reshape(-1, 8, 8) for s in slices])
    for patch in patches:
        assert (windows == patch).all((1, 2)).any()


def test_mirroring_flips_the_chosen_axis():
    ramp = torch.arange(8.0).view(1, 8, 1).expand(1, 8, 8)
    patches = sampler([ramp], resize=0.0, mirror=(0,), batch_size=40).batch(0)
    first = {int(patch[0, 0, 0]) for patch in patches}
    assert first == {0, 7}
    across = sampler([ramp], resize=0.0, mirror=(1,), batch_size=40).batch(0)
    assert {int(patch[0, 0, 0]) for patch in across} == {0}


def test_both_axes_are_mirrored_independently():
    corners = torch.arange(64.0).view(1, 8, 8)
    patches = sampler([corners], resize=0.0, mirror=(0, 1), batch_size=80).batch(0)
    assert {int(patch[0, 0, 0]) for patch in patches} == {0, 7, 56, 63}


@pytest.mark.parametrize(
    ("flip", "across", "mirrored"),
    [
        ("none", 2, ()),
        ("left-right", 2, (0,)),
        ("left-right", 1, (0,)),
        ("left-right", 0, ()),
        ("all", 0, (0, 1)),
        ("all", 2, (0, 1)),
    ],
)
def test_left_to_right_is_mirrored_where_it_lies_in_the_plane(flip, across, mirrored):
    assert mirrored_axes(flip, across) == mirrored


def test_small_slices_are_padded_by_reflection():
    patch = sampler([torch.rand(1, 3, 5)], resize=0.0, mirror=()).batch(0)
    assert patch.shape == (3, 1, 8, 8)


def test_near_empty_slices_are_left_out(tmp_path):
    data = np.zeros((10, 12, 4), np.float32)
    data[:, :, 1:3] = 200
    data[0, 0, 3] = 255
    path = tmp_path / "image.nii.gz"
    save_volume(Volume(data, np.eye(4)), path)
    kept = read_slices([Case("a", Domain.SOURCE, path)], axis=2, upsample=2)
    assert [tuple(s.shape) for s in kept] == [(1, 20, 24)] * 2
    assert kept[0].unique().item() == pytest.approx(200 / 127.5 - 1)


@pytest.mark.parametrize(
    ("value", "complaint"), [(300, "300"), (-40, "-40"), (np.nan, "nan"), (3, "almost empty")]
)
def test_unusable_intensities_are_named(tmp_path, value, complaint):
    path = tmp_path / "image.nii.gz"
    save_volume(Volume(np.full((8, 8, 3), value, np.float32), np.eye(4)), path)
    with pytest.raises(DataError, match=complaint) as error:
        read_slices([Case("a", Domain.SOURCE, path)], axis=2, upsample=1)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("upsample", [1.0, 2.0])
def test_an_identity_network_gives_the_volume_back(axis, upsample):
    values = np.random.default_rng(0).uniform(0, 255, (9, 10, 7)).astype(np.float32)
    volume = Volume(np.asfortranarray(values), np.diag([1.0, 2, 3, 1]))
    seen = []

    def network(images):
        seen.append(tuple(images.shape[2:]))
        return images

    result = translate_volume(volume, network, axis=axis, multiple=4, upsample=upsample)
    assert all(side % 4 == 0 for shape in seen for side in shape)
    assert result.data.dtype == np.float32
    assert result.data.shape == values.shape
    assert np.array_equal(result.affine, volume.affine)
    if upsample == 1:
        np.testing.assert_allclose(result.data, values, atol=1e-3)
    else:
        assert np.corrcoef(result.data.ravel(), values.ravel())[0, 1] > 0.9


def test_output_is_kept_within_range():
    volume = Volume(np.full((8, 8, 2), 255, np.float32), np.eye(4))
    result = translate_volume(volume, lambda images: images * 1.5, axis=2, multiple=4)
    assert result.data.max() == 255


def test_slices_of_moves_the_axis_to_the_front():
    data = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    assert np.array_equal(slices_of(Volume(data, np.eye(4)), 1)[2], data[:, 2, :])
