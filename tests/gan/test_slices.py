"""Slices, their cache, patches, and the way back to a volume."""

import numpy as np
import pytest
import torch

from past_core.case import Case, Domain
from past_core.errors import DataError
from past_core.labels import Labels
from past_core.volume import Volume, save_volume
from past_gan.data.cache import Stack, fill_cache, open_cache
from past_gan.data.patches import PatchSampler
from past_gan.data.slices import mirrored_axes, slice_axis, slices_of
from past_gan.data.translation import Sides, translate_volume


def sampler(stacks, **changes):
    settings = {"crop": 8, "batch_size": 3, "mirror": (0,), "resize": 0.2, "seed": 5, "stream": 0}
    return PatchSampler(stacks, **settings | changes)


def stack(images, labels=None):
    return Stack(np.asarray(images, np.float32), labels)


@pytest.fixture
def stacks():
    """Four scans of different sizes, with values that never repeat."""
    random = np.random.default_rng(0)
    return [stack(random.uniform(-0.5, 1, (2, 10 + n, 14))) for n in range(4)]


def test_slice_axis_is_the_coarsest_unless_set():
    assert slice_axis([(0.5, 0.5, 1.5)], "auto") == 2
    assert slice_axis([(2.0, 1.0, 1.0), (2.2, 1.0, 1.0)], "auto") == 0
    assert slice_axis([(1.0, 1.0, 1.0)], "auto") == 2
    assert slice_axis([(2.0, 1.0, 1.0)], 1) == 1


def test_batches_depend_on_seed_stream_and_step_alone(stacks):
    one, other = sampler(stacks), sampler(stacks)
    late = one.batch(7).images
    other.batch(0)
    assert torch.equal(late, other.batch(7).images)
    assert not torch.equal(late, one.batch(8).images)
    assert not torch.equal(late, sampler(stacks, seed=6).batch(7).images)
    assert not torch.equal(late, sampler(stacks, stream=1).batch(7).images)


def test_shares_of_processes_make_up_the_batch(stacks):
    whole = sampler(stacks, batch_size=4).batch(2).images
    shares = [sampler(stacks, batch_size=4).batch(2, rank, 2).images for rank in range(2)]
    assert torch.equal(whole, torch.cat(shares))


def test_patches_are_parts_of_slices(stacks):
    patches = sampler(stacks, resize=0.0, mirror=(), batch_size=20).batch(0).images
    slices = [torch.from_numpy(image) for s in stacks for image in s.images]
    windows = torch.cat([s.unfold(0, 8, 1).unfold(1, 8, 1).reshape(-1, 8, 8) for s in slices])
    for patch in patches:
        assert (windows == patch).all((1, 2)).any()


def test_mirroring_flips_the_chosen_axis():
    ramp = stack(np.arange(64.0).reshape(1, 8, 8) // 8)
    patches = sampler([ramp], resize=0.0, mirror=(0,), batch_size=40).batch(0).images
    assert {int(patch[0, 0, 0]) for patch in patches} == {0, 7}
    across = sampler([ramp], resize=0.0, mirror=(1,), batch_size=40).batch(0).images
    assert {int(patch[0, 0, 0]) for patch in across} == {0}


def test_both_axes_are_mirrored_independently():
    corners = stack(np.arange(64.0).reshape(1, 8, 8))
    patches = sampler([corners], resize=0.0, mirror=(0, 1), batch_size=80).batch(0).images
    assert {int(patch[0, 0, 0]) for patch in patches} == {0, 7, 56, 63}


def test_labels_move_with_their_pixels():
    image = np.random.default_rng(0).uniform(-0.5, 1, (2, 20, 30))
    labelled = stack(image, (image > 0.4).astype(np.uint8))
    patches = sampler([labelled], resize=0.0, mirror=(0, 1), batch_size=20).batch(0)
    assert patches.labels.dtype == torch.int64
    assert torch.equal(patches.labels, (patches.images[:, 0] > 0.4).long())


def test_labels_are_enlarged_with_their_pixels():
    # A disc of one brightness, by its label and by its edge halfway up.
    rows, columns = np.indices((40, 40))
    disc = (np.hypot(rows - 20.5, columns - 18.5) < 7).astype(np.float32)[None]
    labelled = stack(disc * 2 - 1, disc.astype(np.uint8))
    patches = sampler([labelled], crop=40, resize=1.0, batch_size=40).batch(0)
    shown = patches.images[:, 0] > 0
    apart = []
    for image, label in zip(shown, patches.labels, strict=True):
        if image.any() and label.any():
            apart.append(label.nonzero().float().mean(0) - image.nonzero().float().mean(0))
    assert len(apart) > 20
    assert torch.stack(apart).mean(0).abs().max() < 0.1


def test_foreground_patches_show_each_structure_as_often():
    labels = np.zeros((9, 60, 60), np.uint8)
    labels[:8, 10:40, 10:40] = 1
    labels[8, 59, 0] = 2
    scan = stack(np.ones((9, 60, 60)), labels)
    anywhere = sampler([scan], resize=0.0, batch_size=200).batch(0).labels
    aimed = sampler([scan], resize=0.0, batch_size=200, foreground=1.0).batch(0).labels
    rare = [(batch == 2).flatten(1).any(1).float().mean().item() for batch in (anywhere, aimed)]
    assert rare[0] < 0.02
    assert rare[1] == pytest.approx(0.5, abs=0.1)
    assert (aimed > 0).flatten(1).any(1).all()


def test_a_structure_without_a_usable_slice_does_not_stand_for_another():
    labels = np.zeros((2, 10, 10), np.uint8)
    labels[0, :2, :2] = 1
    labels[1, 5, 5] = 2
    images = np.ones((2, 10, 10))
    images[0] = -1
    aimed = sampler([stack(images, labels)], resize=0.0, batch_size=20, foreground=1.0).batch(0)
    assert (aimed.labels == 2).flatten(1).any(1).all()


def test_blank_patches_are_drawn_again():
    images = np.full((1, 80, 80), -1.0)
    images[0, 60:, 60:] = np.random.default_rng(0).uniform(-1, 1, (20, 20))
    patches = sampler([stack(images)], resize=0.0, batch_size=60).batch(0).images
    # One in fifteen would show something by chance.
    assert (patches.std((1, 2, 3)) > 0.01).float().mean() > 0.5
    # A scan that is blank all over still gives patches.
    assert sampler([stack(np.ones((1, 20, 20)))]).batch(0).images.shape == (3, 1, 8, 8)


def test_a_refilled_cache_holds_nothing_of_before(tmp_path):
    data = np.full((8, 8, 3), 90, np.float32)
    case = labelled_case(tmp_path, data, np.ones((8, 8, 3), np.uint8))
    fill_cache(tmp_path / "cache", [case, case, case], axis=2, upsample=1, labels=Labels(("a",)))
    fill_cache(tmp_path / "cache", [case], axis=2, upsample=1)
    (left,) = open_cache(tmp_path / "cache")
    assert left.labels is None


def test_an_image_of_three_slices_holds_the_neighbours():
    scan = stack(np.repeat(np.arange(1, 5), 100).reshape(4, 10, 10))
    patches = sampler([scan], resize=0.0, image_slices=3, batch_size=40).batch(0).images
    assert patches.shape == (40, 3, 8, 8)
    shown = {tuple(int(value) for value in patch[:, 0, 0]) for patch in patches}
    assert shown == {(1, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 4)}


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


@pytest.mark.parametrize("shape", [(5, 12), (9, 20), (12, 7)])
def test_small_slices_lie_where_they_lay_in_training(shape):
    values = np.random.default_rng(0).uniform(50, 200, (*shape, 2)).astype(np.float32)
    seen = []

    def network(images):
        seen.append(images)
        return images

    scan = Volume(values, np.diag([1.0, 1.0, 4.0, 1.0]))
    result = translate_volume(scan, network, axis=2, sides=Sides(4, 20))
    np.testing.assert_allclose(result.data, values, atol=1e-3)
    of_training = stack(np.moveaxis(values, 2, 0)[:1] / 127.5 - 1)
    patch = sampler([of_training], crop=20, resize=0.0, mirror=()).batch(0).images[0]
    torch.testing.assert_close(seen[0][0], patch)


@pytest.mark.parametrize("shape", [(3, 5), (7, 7), (8, 3), (30, 7)])
def test_small_slices_are_padded_by_reflection(shape):
    values = np.random.default_rng(0).uniform(0, 1, (1, *shape))
    patch = sampler([stack(values)], resize=0.0, mirror=()).batch(0).images[0, 0].numpy()
    assert patch.shape == (8, 8)
    assert np.isin(patch, values.astype(np.float32)).all()
    short = [axis for axis, side in enumerate(shape) if side < 8]
    for axis in short:
        # Mirrored, no pixel is next to one that it is not next to in the slice, but itself.
        steps = np.abs(np.diff(patch, axis=axis))
        allowed = np.abs(np.diff(values[0], axis=axis))
        assert steps.max() <= allowed.max() + 1e-6


def labelled_case(tmp_path, data, label=None):
    image, mark = tmp_path / "image.nii.gz", tmp_path / "label.nii.gz"
    save_volume(Volume(data, np.eye(4)), image)
    if label is not None:
        save_volume(Volume(label, np.eye(4)), mark)
    return Case("a", Domain.SOURCE, image, None if label is None else mark)


def test_the_cache_holds_slices_and_labels_as_files(tmp_path):
    data = np.zeros((10, 12, 4), np.float32)
    data[:, :, 1:3] = 200
    data[0, 0, 3] = 255
    label = np.zeros(data.shape, np.uint8)
    label[2, 3, 1] = 2
    label[4, 4, 1] = 3
    case = labelled_case(tmp_path, data, label)
    fill_cache(tmp_path / "cache", [case], axis=2, upsample=2, labels=Labels(("a", "b")))
    (cached,) = open_cache(tmp_path / "cache")
    assert isinstance(cached.images, np.memmap)
    assert cached.images.shape == cached.labels.shape == (4, 20, 24)
    assert cached.images[1].max() == pytest.approx(200 / 127.5 - 1)
    assert [tuple(place) for place in np.argwhere(cached.labels)] == [
        (1, row, column) for row in (4, 5) for column in (6, 7)
    ]
    assert set(np.unique(cached.labels)) == {0, 2}


def test_near_empty_slices_are_left_out(tmp_path):
    data = np.zeros((10, 12, 4), np.float32)
    data[:, :, 1:3] = 200
    data[0, 0, 3] = 255
    fill_cache(tmp_path / "cache", [labelled_case(tmp_path, data)], axis=2, upsample=1)
    (cached,) = open_cache(tmp_path / "cache")
    assert cached.with_content() == [1, 2]
    patches = sampler([cached], batch_size=30).batch(0)
    assert patches.images.min() == pytest.approx(200 / 127.5 - 1)
    assert patches.labels is None


@pytest.mark.parametrize(
    ("value", "complaint"), [(300, "300"), (-40, "-40"), (np.nan, "nan"), (3, "almost empty")]
)
def test_unusable_intensities_are_named(tmp_path, value, complaint):
    case = labelled_case(tmp_path, np.full((8, 8, 3), value, np.float32))
    with pytest.raises(DataError, match=complaint) as error:
        fill_cache(tmp_path / "cache", [case], axis=2, upsample=1)
    assert str(case.image) in str(error.value)


def test_a_label_on_another_grid_is_named(tmp_path):
    data = np.full((8, 8, 3), 90, np.float32)
    case = labelled_case(tmp_path, data, np.ones((8, 8, 4), np.uint8))
    with pytest.raises(DataError, match=r"8, 8, 4.*8, 8, 3") as error:
        fill_cache(tmp_path / "cache", [case], axis=2, upsample=1, labels=Labels(("a",)))
    assert str(case.label) in str(error.value)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("upsample", [1.0, 2.0])
def test_an_identity_network_gives_the_volume_back(axis, upsample):
    values = np.random.default_rng(0).uniform(0, 255, (9, 10, 7)).astype(np.float32)
    volume = Volume(np.asfortranarray(values), np.diag([1.0, 2, 3, 1]))
    seen = []

    def network(images):
        seen.append(tuple(images.shape[2:]))
        return images

    result = translate_volume(volume, network, axis=axis, sides=Sides(4), upsample=upsample)
    assert all(side % 4 == 0 for shape in seen for side in shape)
    assert result.data.dtype == np.float32
    assert result.data.shape == values.shape
    assert np.array_equal(result.affine, volume.affine)
    if upsample == 1:
        np.testing.assert_allclose(result.data, values, atol=1e-3)
    else:
        assert np.corrcoef(result.data.ravel(), values.ravel())[0, 1] > 0.9


def test_overlapping_translations_are_averaged():
    volume = Volume(np.full((4, 4, 3), 100, np.float32), np.eye(4))

    def network(images):
        """Slices come back brighter in front and darker behind."""
        return images + torch.tensor([0.1, 0.0, -0.3])[:, None, None]

    result = translate_volume(volume, network, axis=2, sides=Sides(4), image_slices=3)
    moved = (result.data[0, 0] - 100) / 127.5
    # The first slice has no image before it that shows it last, the last none that shows it first.
    np.testing.assert_allclose(moved, [0.1 / 2, -0.2 / 3, -0.3 / 2], atol=1e-4)


def test_output_is_kept_within_range():
    volume = Volume(np.full((8, 8, 2), 255, np.float32), np.eye(4))
    result = translate_volume(volume, lambda images: images * 1.5, axis=2, sides=Sides(4))
    assert result.data.max() == 255


def test_slices_of_moves_the_axis_to_the_front():
    data = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    assert np.array_equal(slices_of(Volume(data, np.eye(4)), 1)[2], data[:, 2, :])
