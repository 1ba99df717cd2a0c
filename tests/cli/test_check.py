"""``past-cli check`` prints one table and every finding; JSON, pictures and mended copies too."""

from __future__ import annotations

import json

import numpy as np
import pytest

from past_core.datasets.phantom.config import PhantomConfig
from past_core.datasets.phantom.dataset import write_phantom
from past_core.volume import Volume, load_volume, save_volume

TINY = PhantomConfig(source=2, target=2, test=1, matrix=56, slices=8)


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    write_phantom(folder, TINY)
    return folder


def test_a_sound_data_set_is_one_table(past_cli, data):
    done = past_cli("check", data)
    assert done.code == 0, done.err
    assert "crossmoda_106" in done.out
    assert "448" in done.out
    assert "0 faults" in done.out


def test_faults_are_said_and_mended_copies_used(past_cli, data, tmp_path):
    path = data / "source_training/crossmoda_1_Label.nii.gz"
    label = load_volume(path, np.float32)
    label.affine[0, 3] += 0.4
    save_volume(label, path)
    done = past_cli("check", "--data", data, "--json", "--fix", tmp_path / "mended")
    assert done.code == 1
    said = json.loads(done.out)
    assert [one["text"] for one in said["findings"] if one["fault"]] == [
        f"{path}: the label lies on another grid than its image (shape (56, 56, 8) against "
        "(56, 56, 8), same shape but another affine). Resample the label onto the image with "
        "nearest-neighbour interpolation."
    ]
    assert said["cases"][0]["mendable"]
    assert "1 mended labels; use --data" in done.err
    again = past_cli("check", tmp_path / "mended")
    assert again.code == 0, again.err


def test_pictures_show_each_case(past_cli, data, tmp_path):
    done = past_cli("check", data, "--pictures", tmp_path / "pictures")
    assert done.code == 0, done.err
    drawn = sorted(str(p.relative_to(tmp_path / "pictures")) for p in tmp_path.rglob("*.png"))
    assert drawn == [
        "source/crossmoda_1.png",
        "source/crossmoda_2.png",
        "target/crossmoda_106.png",
        "target/crossmoda_107.png",
        "test/crossmoda_211.png",
    ]


def test_plain_folders_are_checked_as_they_are_run(past_cli, tmp_path):
    for n in (1, 2):
        image = np.random.default_rng(n).normal(100, 10, (8, 8, 4)).astype(np.float32)
        save_volume(Volume(image, np.eye(4)), tmp_path / f"t1/{n}.nii.gz")
        save_volume(Volume((image > 100).astype(np.uint8), np.eye(4)), tmp_path / f"l/{n}.nii.gz")
        save_volume(Volume(-image, np.eye(4)), tmp_path / f"t2/{n}.nii.gz")
    folders = ("--source", tmp_path / "t1", "--source-labels", tmp_path / "l")
    done = past_cli("check", *folders, "--target", tmp_path / "t2")
    assert done.code == 0, done.err
    assert "source: 2 scans, 2 with labels of the same names" in done.out
    assert "label1" in done.out
    assert past_cli("check").code == 2
