"""Volumes: orientation and back, reading what is damaged, writing whole or not at all."""

from __future__ import annotations

import gzip
import itertools
import signal
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from past_core import DataError, Volume, load_volume, save_volume
from past_core.files import atomic_path
from past_core.headers import read_header
from past_core.volume import as_stored

SHAPE = (3, 4, 5)


def rotation(degrees):
    """A small rotation about (1, 2, 3): oblique, yet with clear nearest axes."""
    axis = np.array([1, 2, 3]) / np.sqrt(14)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = np.deg2rad(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def orientations():
    """All 48 ways in which three array axes can run along right, anterior, superior."""
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            matrix = np.zeros((3, 3))
            for axis, (where, sign) in enumerate(zip(order, signs, strict=True)):
                matrix[where, axis] = sign
            yield matrix


ORIENTATIONS = list(orientations())


def affine_of(matrix, degrees, spacing=(0.5, 1.0, 2.5)):
    affine = np.eye(4)
    affine[:3, :3] = rotation(degrees) @ matrix @ np.diag(spacing)
    affine[:3, 3] = (-31.5, 17.25, 8.0)
    return affine


def numbered(affine, channels=None):
    shape = SHAPE if channels is None else (channels, *SHAPE)
    return Volume(np.arange(np.prod(shape), dtype=np.int32).reshape(shape), affine)


def place(volume, value):
    """Position in mm of the voxel with this value."""
    index = np.argwhere(volume.data == value)[0][-3:]
    return volume.affine[:3, :3] @ index + volume.affine[:3, 3]


def test_there_are_48_orientations():
    assert len({matrix.tobytes() for matrix in ORIENTATIONS}) == 48


@pytest.mark.parametrize("degrees", [0, 20])
@pytest.mark.parametrize("channels", [None, 2])
@pytest.mark.parametrize("matrix", ORIENTATIONS)
def test_canonical_keeps_every_voxel_at_its_place_and_turns_back_exactly(matrix, channels, degrees):
    volume = numbered(affine_of(matrix, degrees), channels)
    canonical = volume.canonical()
    directions = canonical.affine[:3, :3]
    assert (np.diag(directions) > 0).all()
    assert (np.abs(directions).argmax(axis=0) == [0, 1, 2]).all()
    for value in (0, 7, 33, 59):
        assert np.allclose(place(canonical, value), place(volume, value))
    assert sorted(canonical.spacing) == pytest.approx([0.5, 1.0, 2.5])
    back = canonical.oriented_like(volume.affine)
    assert np.array_equal(back.data, volume.data)
    assert np.allclose(back.affine, volume.affine)


def test_spacing_is_the_length_of_the_affines_columns_not_its_diagonal():
    volume = numbered(affine_of(np.eye(3), 30))
    assert volume.spacing == pytest.approx((0.5, 1.0, 2.5))
    assert abs(volume.affine[2, 2]) < 2.4


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
@pytest.mark.parametrize("name", ["image.nii", "image.nii.gz"])
def test_a_saved_volume_reads_back_exactly(tmp_path, dtype, name):
    path = tmp_path / "new" / "folder" / name
    volume = Volume(numbered(np.eye(4)).data.astype(dtype), affine_of(ORIENTATIONS[17], 20))
    save_volume(volume, path)
    loaded = load_volume(path, dtype)
    assert loaded.data.dtype == dtype
    assert np.array_equal(loaded.data, volume.data)
    assert np.allclose(loaded.affine, volume.affine, atol=1e-5)
    assert read_header(path).shape == SHAPE
    assert read_header(path).spacing == pytest.approx(volume.spacing, rel=1e-5)


def test_booleans_are_stored_as_bytes(tmp_path):
    save_volume(Volume(np.ones(SHAPE, bool), np.eye(4)), tmp_path / "mask.nii.gz")
    assert nib.load(tmp_path / "mask.nii.gz").get_data_dtype() == np.uint8


def test_a_trailing_axis_of_one_is_dropped(tmp_path):
    nib.save(nib.Nifti1Image(np.ones((*SHAPE, 1), np.float32), np.eye(4)), tmp_path / "a.nii")
    assert load_volume(tmp_path / "a.nii").data.shape == SHAPE


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 5, 2), (3, 4, 5, 1, 2)])
def test_what_is_not_3d_is_refused_with_its_shape(tmp_path, shape):
    nib.save(nib.Nifti1Image(np.ones(shape, np.float32), np.eye(4)), tmp_path / "a.nii")
    found = ", ".join(map(str, shape))
    with pytest.raises(DataError, match=rf"a\.nii: expected a 3D volume, found shape \({found}"):
        load_volume(tmp_path / "a.nii")


def test_a_missing_file_is_refused_by_name(tmp_path):
    for read in (load_volume, read_header):
        with pytest.raises(DataError, match=r"absent\.nii\.gz: no such file"):
            read(tmp_path / "absent.nii.gz")


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("portion", [0.0, 0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused_by_name(tmp_path, name, portion):
    data = np.random.default_rng(0).integers(0, 255, (20, 20, 20)).astype(np.int16)
    path = tmp_path / name
    save_volume(Volume(data, np.eye(4)), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(portion * len(content))])
    with pytest.raises(DataError, match=rf"{name}: .*(truncated|not a readable NIfTI)"):
        load_volume(path)


# Without the time in the compressed one: it is part of the test's name, and workers must agree.
@pytest.mark.parametrize(
    "content", [b"text, not an image", gzip.compress(b"text", mtime=0), b"\x1f\x8b"]
)
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_what_is_no_nifti_is_refused_by_name(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"{name}: not a readable NIfTI file"):
        load_volume(tmp_path / name)


@pytest.mark.parametrize("damage", ["a flipped bit", "a cut end"])
def test_a_compressed_file_whose_checksum_fails_is_refused(tmp_path, damage):
    data = np.random.default_rng(0).integers(0, 255, (20, 20, 20)).astype(np.int16)
    path = tmp_path / "a.nii.gz"
    save_volume(Volume(data, np.eye(4)), path)
    content = bytearray(path.read_bytes())
    if damage == "a flipped bit":
        content[len(content) // 2] ^= 1
    else:
        del content[-4:]
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.nii\.gz: the voxels cannot be read .* damaged"):
        load_volume(path)


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "image.nii.gz"
    save_volume(numbered(np.eye(4)), path)
    before = path.read_bytes()
    with pytest.raises(nib.spatialimages.HeaderDataError, match="data dtype"):
        save_volume(Volume(np.array([[["text"]]], dtype=object), np.eye(4)), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_block_leaves_nothing(tmp_path):
    def write():
        with atomic_path(tmp_path / "scores.csv") as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert list(tmp_path.iterdir()) == []


def test_the_temporary_name_keeps_its_suffixes_and_is_hidden(tmp_path):
    with atomic_path(tmp_path / "image.nii.gz") as temporary:
        temporary.write_text("")
        assert temporary.suffixes[-2:] == [".nii", ".gz"]
        assert temporary.name.startswith(".")
        assert not (tmp_path / "image.nii.gz").exists()


def test_a_process_killed_while_writing_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "value.txt"
    path.write_text("old")
    code = (
        "import os, signal, sys, pathlib\n"
        "from past_core.files import atomic_path\n"
        "with atomic_path(pathlib.Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('ne')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


@pytest.mark.parametrize("name", ["image.nii", "image.nii.gz"])
def test_a_full_disk_leaves_the_old_file_whole_and_nothing_else(tmp_path, name):
    path = tmp_path / name
    save_volume(numbered(np.eye(4)), path)
    before = path.read_bytes()
    code = (
        "import pathlib, resource, sys\n"
        "import numpy as np\n"
        "from past_core import Volume, save_volume\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "noise = np.random.default_rng(0).random((50, 50, 50))\n"
        "save_volume(Volume(noise, np.eye(4)), pathlib.Path(sys.argv[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert "File too large" in done.stderr
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("seed", range(5))
def test_a_volume_in_memory_is_what_a_file_would_give_back(tmp_path, seed):
    random = np.random.default_rng(seed)
    affine = np.eye(4)
    affine[:3] = random.normal(size=(3, 4)) * [1, 2, 3, 100]
    volume = Volume(random.normal(size=(3, 4, 5)), affine)
    path = tmp_path / "volume.nii.gz"
    save_volume(Volume(volume.data.astype(np.float32), affine), path)
    kept, known = as_stored(volume), load_volume(path)
    assert np.array_equal(kept.data, known.data)
    assert np.array_equal(kept.affine, known.affine)
    assert kept.data.dtype == known.data.dtype
    assert kept.data.strides == known.data.strides
