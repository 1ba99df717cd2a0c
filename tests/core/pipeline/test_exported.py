"""A system is exported, moved and applied as its run would; what is done is kept."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from past_core.errors import DataError
from past_core.exported import load_system
from past_core.exported.export import export_system
from past_core.exported.prediction import find_scans, predict_files
from past_core.pipeline.protocols import ProtocolRule, protocol_of
from past_core.pipeline.routes import rule_for_others
from past_core.volume import Volume, load_volume, save_volume

ROUTED = """
[[model]]
name = "bayes"
segmenter = "bayes"
each = "protocol"
seeds = [0, 1]
images = [{ from = "aligned" }]
[[model]]
name = "smooth"
segmenter = "smooth"
each = "protocol"
images = [{ from = "aligned" }]
[[translation]]
name = "aligned"
translator = "match"
each = "protocol"
[[system]]
name = "routed"
use = "bayes"
structures = { vs = ["smooth", "bayes#1"] }
[[system]]
name = "first"
use = "bayes@448"
"""


@pytest.fixture
def routed(run, request_of, systems_of, phantom_of):
    """A run of several models, by protocol, structure and seed, averaged."""
    request = request_of(
        systems=systems_of(ROUTED),
        translator=None,
        segmenter=None,
        strategy=None,
        data=phantom_of(target=4, test=4),
    )
    return run(request)[0]


def scans_of(run):
    return [entry for entry in run.inventory["cases"] if entry["part"] == "test"]


def scan_of(run, number=0):
    return load_volume(Path(scans_of(run)[number]["image"]))


def assert_same(run, system, loaded):
    for entry in scans_of(run):
        known = load_volume(run.segmentations(system) / f"{entry['id']}_Label.nii.gz", np.uint8)
        found = loaded.segment(entry["image"])
        assert np.array_equal(found.labels.data, known.data)
        assert np.array_equal(found.labels.affine, known.affine)
        assert found.labels.data.dtype == np.uint8


@pytest.mark.parametrize("system", ["routed", "first"])
@pytest.mark.parametrize("zipped", [False, True])
def test_an_exported_system_gives_the_runs_own_segmentations(
    routed, registry, tmp_path, system, zipped
):
    kept = export_system(routed.folder, tmp_path / "kept", system=system, zipped=zipped)
    assert kept.name == ("kept.zip" if zipped else "kept")
    moved = tmp_path / "elsewhere" / kept.name
    moved.parent.mkdir()
    kept.rename(moved)
    assert_same(routed, system, load_system(moved, registry=registry))


def test_a_run_is_applied_as_it_stands(run, request_of, registry):
    done, _ = run(request_of(rounds=1))
    loaded = load_system(done.folder, registry=registry)
    assert loaded.description.system == "final"
    assert loaded.description.chosen == done.choices()["final"]["chosen"]
    assert_same(done, "final", loaded)
    assert_same(done, "st1", load_system(done.folder, system="st1", registry=registry))
    with pytest.raises(DataError, match="there are no-da, translated, st1, final"):
        load_system(done.folder, system="st9", registry=registry)


def test_probabilities_are_rounded_as_a_run_keeps_them(run, request_of, registry, stage_of):
    sharper = ("segmenter.sharpness=3.0",)
    done, _ = run(request_of(rounds=0, only=("no-da",), assignments=sharper))
    loaded = load_system(done.folder, registry=registry)
    for entry in scans_of(done):
        stage = stage_of(done, f"predict-no-da-on-{entry['protocol']}")
        known = np.load(stage / f"{entry['id']}_probabilities.npy")
        found = loaded.segment(entry["image"]).answers.probabilities()
        assert np.array_equal(found, known.astype(np.float32))


def test_each_scan_goes_to_the_models_of_its_protocol(routed, registry, tmp_path):
    loaded = load_system(routed.folder, system="routed", registry=registry)
    served = [loaded.segment(entry["image"]).protocols for entry in scans_of(routed)]
    assert served == [(entry["protocol"],) for entry in scans_of(routed)]
    assert set(served) == {("448",), ("384",)}
    scan = Path(scans_of(routed)[0]["image"])
    other = loaded.segment(scan, protocol="384")
    assert other.protocols == ("384",)
    assert not np.array_equal(other.labels.data, loaded.segment(scan).labels.data)
    with pytest.raises(DataError, match="protocol '999'; there are 448, 384"):
        loaded.segment(scan, protocol="999")
    volume = load_volume(scan)
    nearly = Volume(volume.data[:-1], volume.affine)
    save_volume(nearly, tmp_path / "odd.nii.gz")
    assert loaded.segment(tmp_path / "odd.nii.gz").protocols == ("448",)


def test_probabilities_lie_on_the_scans_own_grid(routed, registry):
    loaded = load_system(routed.folder, system="routed", registry=registry)
    found = loaded.segment(scans_of(routed)[0]["image"])
    stack = found.probabilities()
    assert stack.data.shape == (3, *found.shape)
    np.testing.assert_allclose(stack.data.sum(axis=0), 1, atol=2e-3)
    inside = loaded.roi.crop(Volume(np.ones(found.shape), found.affine)).data.sum()
    assert (stack.data[0] < 1).sum() <= inside < stack.data[0].size


def test_nothing_of_a_scan_goes_with_it(routed, tmp_path):
    kept = export_system(routed.folder, tmp_path / "kept", system="routed")
    files = sorted(path for path in kept.rglob("*") if path.is_file())
    texts = "".join(path.read_text() for path in files if path.suffix in (".json", ".md"))
    assert "crossmoda_" not in texts
    assert str(tmp_path) not in texts
    card = (kept / "README.md").read_text()
    for said in ("6 trained model(s)", "Protocols of the target: 448, 384", "| test | vs | iou |"):
        assert said in card
    content = json.loads((kept / "system.json").read_text())
    assert set(content["volumes"]) == {"vs", "cochlea"}
    assert content["provenance"]["scans"] == {"source": 2, "target": 4, "test": 4, "validation": 0}


def test_the_same_system_is_packed_into_the_same_bytes(routed, tmp_path):
    one, other = (
        export_system(routed.folder, tmp_path / name, system="routed", zipped=True)
        for name in ("one", "other")
    )
    assert one.read_bytes() == other.read_bytes()
    with pytest.raises(DataError, match="is there already"):
        export_system(routed.folder, tmp_path / "one", zipped=True)


@pytest.fixture
def told():
    return []


def test_files_are_segmented_and_what_is_done_is_kept(routed, registry, tmp_path, told):
    loaded = load_system(routed.folder, system="routed", registry=registry)
    first, second = (tmp_path / "scans" / name for name in ("a.nii", "b.nii.gz"))
    for entry, path in zip(scans_of(routed), (first, second), strict=False):
        save_volume(load_volume(Path(entry["image"])), path)
    (tmp_path / "scans/broken.nii.gz").write_bytes(b"no scan")
    pairs = find_scans([tmp_path / "scans"], tmp_path / "out")
    predict_files(loaded, pairs, probabilities="half", told=told.append)
    assert [one.name for one in told] == ["a.nii", "b.nii.gz", "broken.nii.gz"]
    assert [bool(one.problem) for one in told] == [False, False, True]
    assert "broken.nii.gz: not a readable NIfTI file" in told[2].problem
    with np.load(tmp_path / "out/a_probabilities.npz") as saved:
        assert saved["probabilities"].dtype == np.float16
        classes = saved["probabilities"].argmax(axis=0)
        assert saved["probabilities"].shape[1:] == load_volume(first).shape
    assert (classes == load_volume(tmp_path / "out/a.nii", np.uint8).data).mean() > 0.99

    save_volume(scan_of(routed, 2), second)
    time = (tmp_path / "out/a.nii").stat().st_mtime_ns
    told.clear()
    predict_files(loaded, pairs[:2], probabilities="half", told=told.append)
    assert [one.kept for one in told] == [True, False]
    assert told[0].millilitres is not None
    assert (tmp_path / "out/a.nii").stat().st_mtime_ns == time


def test_another_system_makes_them_anew(routed, registry, tmp_path, told):
    save_volume(scan_of(routed), tmp_path / "a.nii.gz")
    pairs = find_scans([tmp_path / "a.nii.gz"], tmp_path / "out/mask.nii.gz")
    for system in ("routed", "first", "first"):
        loaded = load_system(routed.folder, system=system, registry=registry)
        predict_files(loaded, pairs, told=told.append)
    assert [one.kept for one in told] == [False, False, True]


def test_volumes_that_no_source_scan_has_are_noted(routed, registry, tmp_path, told):
    kept = export_system(routed.folder, tmp_path / "kept", system="routed")
    loaded = load_system(kept, registry=registry)
    path = tmp_path / "scan.nii.gz"
    volume = scan_of(routed)
    save_volume(Volume(volume.data, volume.affine @ np.diag([9, 9, 9, 1])), path)
    predict_files(loaded, find_scans([path], tmp_path / "out"), told=told.append)
    assert any("vs of" in note and "ml (source:" in note for note in told[0].notes)


def test_files_that_were_not_written_here_are_not_overwritten(routed, registry, tmp_path):
    scan = tmp_path / "scans/a.nii.gz"
    save_volume(scan_of(routed), scan)
    loaded = load_system(routed.folder, system="first", registry=registry)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.nii.gz").write_text("drawn by hand")
    with pytest.raises(DataError, match="past-cli predict has not written it"):
        predict_files(loaded, find_scans([scan], tmp_path / "out"), told=print)
    with pytest.raises(DataError, match="would be overwritten"):
        find_scans([scan], tmp_path / "scans")
    with pytest.raises(DataError, match="have one name"):
        find_scans([scan, tmp_path / "scans"], tmp_path / "new")
    with pytest.raises(DataError, match="no such file or folder"):
        find_scans([tmp_path / "nothing"], tmp_path / "new")


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "not valid JSON"), ("[]", "the whole"), ('{"a.nii.gz": {"done": {}}}', "made_of")],
)
def test_a_damaged_record_of_what_was_segmented(routed, registry, tmp_path, content, said):
    scan = tmp_path / "scans/a.nii.gz"
    save_volume(scan_of(routed), scan)
    loaded = load_system(routed.folder, system="first", registry=registry)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/predicted.json").write_text(content)
    with pytest.raises(DataError, match=rf"predicted.json: .*{said}.* Delete it and the"):
        predict_files(loaded, find_scans([scan], tmp_path / "out"), told=print)


def test_scans_that_would_end_in_nonsense_are_refused_by_name(routed, registry, tmp_path):
    loaded = load_system(routed.folder, system="first", registry=registry)
    volume = scan_of(routed)
    for name, data in (("nan", volume.data * np.nan), ("flat", np.zeros_like(volume.data))):
        path = tmp_path / f"{name}.nii.gz"
        save_volume(Volume(data, volume.affine), path)
        with pytest.raises(
            DataError, match=rf"{name}.nii.gz: (\d+ voxels are NaN|every voxel is 0)"
        ):
            loaded.segment(path)


def test_matrices_tell_protocols_where_the_data_set_itself_did(phantom_of, registry):
    from past_core.datasets import open_dataset

    dataset = open_dataset(registry, phantom_of(target=4, test=4))
    rule = rule_for_others(dataset.target, ProtocolRule())
    assert rule.by == "matrix"
    assert [protocol_of(case, rule) for case in dataset.test] == [c.protocol for c in dataset.test]
    named = ProtocolRule(by="matrix")
    assert rule_for_others(dataset.target, named) is named


def test_archives_are_not_compressed(routed, tmp_path):
    path = export_system(routed.folder, tmp_path / "kept", system="first", zipped=True)
    with zipfile.ZipFile(path) as archive:
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
