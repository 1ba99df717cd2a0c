"""Headers that promise what cannot be, refused before an array is made."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import psutil
import pytest

from past_core import ConfigError, DataError, load_volume
from past_core.checking import place_doubts
from past_core.headers import read_header

DIM, DATATYPE, BITPIX, PIXDIM = 40, 70, 72, 76
"""Places of fields in a NIfTI-1 header."""
RGB24, COMPLEX64, UNKNOWN = 128, 32, 777


def header(shape=(4, 4, 4), *, datatype=4, affine=None, units="mm", codes=(0, 1)):
    image = nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4) if affine is None else affine)
    image.header.set_xyzt_units(units)
    image.set_qform(image.affine, codes[0])
    image.set_sform(image.affine, codes[1])
    raw = bytearray(image.to_bytes()[:352])
    struct.pack_into("<4h", raw, DIM, 3, *shape)
    struct.pack_into("<2h", raw, DATATYPE, datatype, 16)
    return bytes(raw)


def written(folder, head, data=bytes(128), name="a.nii"):
    path = folder / name
    content = head + data
    path.write_bytes(gzip.compress(content, mtime=0) if name.endswith("gz") else content)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_sound_header_is_read(tmp_path, name):
    path = written(tmp_path, header(), name=name)
    assert read_header(path).shape == (4, 4, 4)
    assert load_volume(path).data.shape == (4, 4, 4)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize(
    ("head", "message"),
    [
        (header((30000, 30000, 30000)), "30000 x 30000 x 30000 voxels, .* cannot hold"),
        (header((4000, 4000, 4000)), "4000 x 4000 x 4000 voxels, .* cannot hold"),
        (header(datatype=RGB24), "voxels are RGB"),
        (header(datatype=COMPLEX64), "voxels are complex"),
        (header(datatype=UNKNOWN), "not a readable NIfTI file"),
        (header((4, 0, 4)), "there are none|not a readable NIfTI"),
        (header((4, -4, 4)), "there are none|not a readable NIfTI"),
        (header(units="meter"), "lengths are in meter"),
        (header(units="micron"), "lengths are in micron"),
    ],
)
def test_what_no_scan_is_costs_no_memory(tmp_path, head, message, name):
    path = written(tmp_path, head, name=name)
    tracemalloc.start()
    try:
        for read in (read_header, load_volume):
            with pytest.raises(DataError, match=rf"{name}: .*({message})"):
                read(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * 2**20


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (np.diag([np.nan, 1, 1]), "the affine is not finite"),
        (np.diag([np.inf, 1, 1]), "the affine is not finite"),
        (np.diag([0.0, 1, 1]), "which no scanner makes"),
        (np.diag([1e6, 1e6, 1e6]), "voxels of 1e.06 x .* no scanner makes"),
        (np.diag([1e-4, 1e-4, 1e-4]), "no scanner makes"),
        (np.array([[1, 1, 0], [0, 0, 0], [0, 0, 1.0]]), "the affine is singular"),
        (np.array([[1, 1, 0], [0, 1e-5, 0], [0, 0, 1.0]]), "the affine is singular"),
    ],
)
def test_a_scan_that_lies_nowhere_is_refused(tmp_path, columns, message):
    path = written(tmp_path, header())
    content = bytearray(path.read_bytes())
    for row in range(3):
        struct.pack_into("<4f", content, 280 + 16 * row, *columns[row], 0.0)
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"a\.nii: .*{message}"):
        read_header(path)


def test_more_voxels_than_allowed_are_refused(tmp_path, monkeypatch):
    path = written(tmp_path, header())
    monkeypatch.setenv("PAST_MAX_VOXELS", "63")
    with pytest.raises(DataError, match=r"4 x 4 x 4 voxels, more than 63.*PAST_MAX_VOXELS=64"):
        load_volume(path)
    monkeypatch.setenv("PAST_MAX_VOXELS", "64")
    load_volume(path)


def test_a_small_file_that_unpacks_to_gigabytes_is_refused_at_once(tmp_path):
    path = written(tmp_path, header((1500, 1000, 1000)), name="bomb.nii.gz")
    with path.open("ab") as file:
        file.write(bytes(3_000_000))  # so large a file could hold the 3 GB that it promises
    with pytest.raises(DataError, match="1500 x 1000 x 1000 voxels, more than 300000000"):
        load_volume(path)


def test_what_goes_on_behind_its_voxels_is_not_read_to_its_end(tmp_path):
    path = written(tmp_path, header(), bytes(128 + (4 << 20)), "a.nii.gz")
    with pytest.raises(DataError, match=r"goes on behind the voxels .* Repair the header"):
        load_volume(path)


def test_more_than_the_free_memory_is_refused(tmp_path, monkeypatch):
    path = written(tmp_path, header())
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=300))
    with pytest.raises(DataError, match=r"GiB of memory are needed"):
        load_volume(path)


def test_a_path_that_is_too_long_is_an_error_of_bounded_length(tmp_path):
    with pytest.raises(DataError, match=r"not a readable NIfTI file .*too long") as caught:
        load_volume(tmp_path / f"{'x' * 5000}.nii")
    assert len(str(caught.value)) < 1000


def test_headers_that_do_not_say_which_side_is_left_are_told(tmp_path):
    sure = written(tmp_path, header(), name="sure.nii")
    unsure = [written(tmp_path, header(codes=(0, 0)), name=f"unsure{n}.nii") for n in range(3)]
    mirrored = bytearray(header(codes=(1, 1)))
    struct.pack_into("<f", mirrored, 280, -1.0)
    turned = written(tmp_path, bytes(mirrored), name="turned.nii")
    paths = [sure, *unsure, unsure[0], turned]
    found = list(place_doubts((str(path), read_header(path).doubt) for path in paths))
    assert len(found) == 2
    assert found[0].startswith(f"{unsure[0]} has neither qform nor sform")
    assert "and so do 2 more" in found[0]
    assert found[1].startswith(f"{turned} has a qform and an sform that mirror each other")


@pytest.mark.parametrize("code", [5, 66, 255])
def test_units_that_nifti_does_not_know_are_judged_by_the_length(tmp_path, code):
    """The code of the time unit, which makes no difference, is in the same byte."""
    head = bytearray(header())
    head[123] = code
    path = written(tmp_path, bytes(head))
    if code & 7 == 2:
        assert read_header(path).shape == (4, 4, 4)
        return
    with pytest.raises(DataError, match=r"a\.nii: lengths are in a unit that NIfTI does not know"):
        read_header(path)


def test_a_qform_that_is_no_rotation_is_a_doubt(tmp_path):
    head = bytearray(header(codes=(1, 1)))
    struct.pack_into("<3f", head, 256, 1.0, 1.0, 1.0)
    assert "a qform that is no rotation" in read_header(written(tmp_path, bytes(head))).doubt


@pytest.mark.parametrize("text", ["1e9", "", "-3"])
def test_a_limit_that_is_no_number_is_named(tmp_path, monkeypatch, text):
    monkeypatch.setenv("PAST_MAX_VOXELS", text)
    with pytest.raises(ConfigError, match=f"PAST_MAX_VOXELS={text} in the environment"):
        read_header(written(tmp_path, header()))
