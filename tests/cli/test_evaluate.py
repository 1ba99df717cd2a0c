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


def scored(past_cli, folders, *options):
    """Values by metric of case b's tumour."""
    out = folders / "scores.csv"
    labels = ("--labels", "vs,cochlea", "--out", out)
    done = past_cli("evaluate", folders / "pred", folders / "ref", *labels, *options)
    assert done.code == 0, done.err
    rows = read_scores(out)
    return {s.metric: s.value for s in rows if (s.case, s.structure) == ("b", "vs")}, rows


def test_metrics_are_those_asked_for(past_cli, folders):
    assert list(scored(past_cli, folders)[0]) == ["assd", "dice"]
    found, _ = scored(past_cli, folders, "--metric", "hd95", "--metric", "volume-error")
    assert found == {"hd95": 1.0, "volume-error": 0.0}
    assert len(scored(past_cli, folders, "--metric", "all")[0]) == 6
    option = ("--metric", "surface-dice", "--set", "metric.surface-dice.tolerance=0.5")
    assert scored(past_cli, folders, *option)[0]["surface-dice"] < 1


def test_cases_at_a_time_change_nothing(past_cli, folders):
    one, two = (scored(past_cli, folders, "--jobs", jobs)[1] for jobs in ("1", "2"))
    assert one == two


def test_a_challenges_scoring(past_cli, folders):
    empty = np.zeros((12, 12, 8), np.uint8)
    save_volume(Volume(empty, AFFINE), folders / "pred/b.nii.gz")
    found, _ = scored(past_cli, folders, "--scoring", "crossmoda-medpy0.4")
    assert found == {"dice": 0.0, "assd": 350.0}
    done = past_cli("evaluate", folders, folders, "--labels", "vs", "--scoring", "crossmoda")
    assert done.code == 1
    assert "crossmoda-medpy0.4, crossmoda-medpy0.5" in done.err
