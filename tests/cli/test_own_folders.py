"""A user's own folders of scans, of any orientation and type, as options of the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from past_core.volume import Volume, load_volume, save_volume

TURNS = (np.diag([1.0, 1.0, 2.0, 1.0]), np.diag([-1.0, 1.0, 2.0, 1.0]))
"""Affines of scans whose axes run right, anterior, superior, and left, anterior, superior."""


@pytest.fixture
def own(tmp_path):
    """Two source scans, labels of other names and types, two target scans."""
    rng = np.random.default_rng(0)
    for n, affine in enumerate(TURNS):
        shape = (32, 30, 8)
        label = np.zeros(shape, np.uint8)
        label[10:20, 8 + n : 20, 2:6] = 1
        image = (100 + 80 * label + rng.normal(0, 5, shape)).astype(np.float32)
        ending = (".nii", ".nii.gz")
        save_volume(Volume(image, affine), tmp_path / f"t1/Patient {n} T1{ending[n]}")
        save_volume(Volume(label, affine), tmp_path / f"drawn/{n}_disc{ending[1 - n]}")
        save_volume(Volume(300 - image, affine), tmp_path / f"t2/{n}.t2{ending[n]}")
    return tmp_path


def options(own):
    folders = {"source": "t1", "source-labels": "drawn", "target": "t2"}
    return [part for name, folder in folders.items() for part in (f"--{name}", own / folder)]


def test_folders_are_paired_checked_and_recorded(past_cli, own):
    run = own / "run"
    done = past_cli("pipeline", *options(own), "--labels", "disc=1", "--until=check", "--out", run)
    assert done.code == 0, done.err
    assert "Patient 0 T1.nii = 0_disc.nii.gz; Patient 1 T1.nii.gz = 1_disc.nii" in done.out
    record = json.loads((run / "run.json").read_text())
    assert record["dataset"] == {"name": "t1-to-t2", "reader": "folders"}
    assert record["labels"] == {"background": 0, "disc": 1}
    assert record["cases"] == {
        "source": ["Patient 0 T1", "Patient 1 T1"],
        "target": ["0.t2", "1.t2"],
        "test": ["0.t2", "1.t2"],
        "validation": [],
    }
    assert f'source = "{own}/t1"' in (run / "recipe.toml").read_text()


def test_translations_of_folders_keep_the_scans_own_place(past_cli, own):
    run = own / "run"
    done = past_cli(
        *("pipeline", *options(own), "--translator", "histogram", "--until", "translate"),
        *("--out", run),
    )
    assert done.code == 0, done.err
    images = sorted((run / "stages").glob("translate-*/*_image.nii.gz"))
    assert [path.name for path in images] == [
        f"Patient {n} T1_image.nii.gz" for n in range(len(TURNS))
    ]
    for path, affine in zip(images, TURNS, strict=True):
        first = affine @ [0 if affine[0, 0] > 0 else 31, 0, 0, 1]
        assert np.allclose(load_volume(path).affine[:, 3], first)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--data", "x"], "--data and --dataset do not go with plain folders"),
        (["--dataset", "datalist"], "--data and --dataset do not go with plain folders"),
        (["--test-labels", "x"], "labels without scans. Name their folder (--test)"),
        (["--labels", "disc=2"], "without gaps"),
    ],
)
def test_what_does_not_go_together_is_said(past_cli, own, more, said):
    done = past_cli("pipeline", *options(own), *more, "--until=check", "--out", own / "run")
    assert done.code != 0
    assert said in done.err


def test_a_folder_that_is_not_named_is_asked_for(past_cli, own):
    done = past_cli("pipeline", "--source", own / "t1", "--out", own / "run")
    assert done.code == 1
    assert "--source-labels, --target is missing" in done.err
    done = past_cli("pipeline", "--labels", "disc", "--out", own / "run")
    assert done.code == 2
    assert "--labels goes with --source" in done.err
