"""``evaluate`` scores folders of segmentations, whoever made them."""

import numpy as np
import pytest

from past_core.scoring import read_scores
from past_core.volume import Volume, load_volume, save_volume

AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])


@pytest.fixture
def folders(tmp_path):
    """Two cases: the prediction of the first is perfect, of the second shifted by a voxel."""
    for case, shift in (("a", 0), ("b", 1)):
        label = np.zeros((12, 12, 8), np.uint8)
        label[2:6, 2:6, 2:6] = 1
        label[8:11, 8:11, 2:6] = 2
        save_volume(Volume(label, AFFINE), tmp_path / "ref" / f"{case}.nii.gz")
        shifted = np.roll(label, shift, axis=0)
        save_volume(Volume(shifted, AFFINE), tmp_path / "pred" / f"{case}.nii.gz")
    return tmp_path


def test_scores_are_printed_and_written(past_cli, folders):
    out = folders / "scores.csv"
    done = past_cli(
        "evaluate", folders / "pred", folders / "ref", "--labels", "vs,cochlea", "--out", out
    )
    assert done.code == 0, done.err
    values = {(s.case, s.structure, s.metric): s.value for s in read_scores(out)}
    assert values["a", "vs", "dice"] == 1
    assert values["a", "cochlea", "assd"] == 0
    # 4 x 4 x 4 voxels shifted by one along the first axis: 3/4 of them overlap.
    assert values["b", "vs", "dice"] == pytest.approx(0.75)
    assert values["b", "vs", "assd"] > 0
    assert "0.875" in done.out


def test_probabilities_beside_segmentations_are_no_segmentations(past_cli, folders):
    for ending in (".nii.gz", ".npz"):
        (folders / f"pred/a_probabilities{ending}").write_bytes(b"not read")
    done = past_cli("evaluate", folders / "pred", folders / "ref", "--labels", "vs,cochlea")
    assert done.code == 0, done.err


def test_a_missing_reference_is_named(past_cli, folders):
    (folders / "ref" / "b.nii.gz").unlink()
    done = past_cli("evaluate", folders / "pred", folders / "ref", "--labels", "vs,cochlea")
    assert done.code == 1
    assert "no reference for b.nii.gz" in done.err


def test_an_undeclared_value_is_named(past_cli, folders):
    done = past_cli("evaluate", folders / "pred", folders / "ref", "--labels", "vs")
    assert done.code == 1
    assert "label values [2.0] are not declared" in done.err


def test_another_grid_is_refused(past_cli, folders):
    path = folders / "pred" / "a.nii.gz"
    save_volume(Volume(load_volume(path, np.uint8).data, np.eye(4)), path)
    done = past_cli("evaluate", folders / "pred", folders / "ref", "--labels", "vs,cochlea")
    assert done.code == 1
    assert "another grid" in done.err
    assert "spacing 1 x 1 x 1 mm" in done.err


def test_references_may_have_another_suffix(past_cli, folders):
    for folder, ending in (("pred", "hrT2"), ("ref", "Label")):
        for name in ("a", "b"):
            path = folders / folder / f"{name}.nii.gz"
            path.rename(path.with_name(f"{name}_{ending}.nii.gz"))
    done = past_cli("evaluate", folders / "pred", folders / "ref", "--labels", "vs=1,cochlea=2")
    assert done.code == 0, done.err
    assert "0.875" in done.out
