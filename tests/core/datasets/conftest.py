"""Small real NIfTI files in the layouts that core reads."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from past_core.datasets.phantom.config import PhantomConfig
from past_core.datasets.phantom.dataset import PhantomReader
from past_core.volume import Volume, save_volume

AFFINE = np.diag([-1.5, -1.5, 3.0, 1.0])
SHAPE = (8, 8, 4)


def save_image(path, shape=SHAPE, *, seed=0, affine=AFFINE):
    data = np.random.default_rng(seed).integers(0, 500, shape).astype(np.int16)
    save_volume(Volume(data, affine), path)
    return path


def save_label(path, shape=SHAPE, *, affine=AFFINE, values=(0, 1, 2)):
    data = np.resize(np.array(values, np.uint8), shape)
    save_volume(Volume(data, affine), path)
    return path


@pytest.fixture
def write():
    """Writers of a small image and of a label that fits it."""
    return SimpleNamespace(image=save_image, label=save_label, affine=AFFINE, shape=SHAPE)


@pytest.fixture
def crossmoda_folder(tmp_path):
    """Two source, three target (two matrices), two validation scans, one of them labelled."""
    folder = tmp_path / "crossmoda"
    for n in (1, 2):
        save_image(folder / f"source_training/crossmoda_{n}_ceT1.nii.gz", seed=n)
        save_label(folder / f"source_training/crossmoda_{n}_Label.nii.gz")
    for n, matrix in ((106, 8), (107, 6), (115, 8)):
        path = folder / f"target_training/crossmoda_{n}_hrT2.nii.gz"
        save_image(path, (matrix, matrix, 4), seed=n)
    for n in (211, 212):
        save_image(folder / f"target_validation/crossmoda_{n}_hrT2.nii.gz", seed=n)
    save_label(folder / "target_validation/crossmoda_211_Label.nii.gz")
    return folder


@pytest.fixture
def datalist_folder(tmp_path):
    """Two source, two target and one test scan, listed in dataset.json."""
    folder = tmp_path / "listed"
    for n, name in enumerate(("s1", "s2", "t1", "t2", "x1")):
        save_image(folder / f"files/{name}_image.nii.gz", seed=n)
        if name[0] != "t":
            save_label(folder / f"files/{name}_label.nii.gz")

    def labelled(name):
        return {"image": f"files/{name}_image.nii.gz", "label": f"files/{name}_label.nii.gz"}

    content = {
        "name": "small",
        "labels": {"background": 0, "ball": 1, "shell": 2},
        "source": [labelled("s1"), labelled("s2")],
        "target": [
            "files/t1_image.nii.gz",
            {"image": "files/t2_image.nii.gz", "protocol": 448},
        ],
        "test": [labelled("x1")],
    }
    (folder / "dataset.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def edit_list(datalist_folder):
    """Change dataset.json: the function given gets its content and may return another."""

    def edit(change):
        path = datalist_folder / "dataset.json"
        content = json.loads(path.read_text())
        changed = change(content)
        path.write_text(json.dumps(content if changed is None else changed))

    return edit


PHANTOM = PhantomConfig(source=4, target=4, test=2)


@pytest.fixture(scope="session")
def phantom(tmp_path_factory):
    """A phantom of full size with few cases, opened; read only."""
    return PhantomReader(PHANTOM).open(tmp_path_factory.mktemp("phantom") / "data")
