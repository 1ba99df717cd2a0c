"""What is said of a data set before anything is trained on it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from past_core import plugin
from past_core.case import Case, Domain
from past_core.dataset import Dataset
from past_core.datasets import open_dataset
from past_core.errors import DataError
from past_core.inspection import inspect, mend
from past_core.labels import Labels
from past_core.plugins import Registry
from past_core.roi import ROI
from past_core.volume import Volume, load_volume, save_volume

LABELS = Labels(("disc", "canal"))
AFFINE = np.diag([-1.0, 1.0, 2.0, 1.0])


def case(folder, name, domain=Domain.SOURCE, *, seed=0, scale=100.0, grow=1):
    """A scan of noise around a box of discs and a line of canal."""
    random = np.random.default_rng(seed)
    label = np.zeros((20, 16, 10), np.uint8)
    label[4 : 6 + grow, 4 : 6 + grow, 2 : 3 + grow] = 1
    label[12, 4:12, 5] = 2
    image = (scale * (1 + 0.1 * label) + random.normal(0, 1, label.shape)).astype(np.float32)
    image[:, 12:] *= 2
    paths = folder / f"{name}.nii.gz", folder / f"{name}_label.nii.gz"
    save_volume(Volume(image, AFFINE), paths[0])
    save_volume(Volume(label, AFFINE), paths[1])
    return Case(name, domain, *paths)


@pytest.fixture
def parts(tmp_path):
    """Six source, three target scans, one test scan; the target has labels too."""
    source = [case(tmp_path, f"s{n}", seed=n) for n in range(6)]
    target = [case(tmp_path, f"t{n}", Domain.TARGET, seed=10 + n, scale=300) for n in range(3)]
    test = [case(tmp_path, "x0", Domain.TARGET, seed=20, scale=300)]
    return {"source": source, "target": target, "test": test}


def seen(parts, **more):
    cases = {name: tuple(members) for name, members in parts.items()}
    return inspect(Dataset("spines", LABELS, **(cases | more)))


def texts(inspection, *, fault):
    return [one.text for one in inspection.findings if one.fault is fault]


def test_a_sound_data_set_is_described_and_nothing_is_said(parts):
    found = seen(parts)
    assert found.sound
    assert found.findings == ()
    assert [one.part for one in found.cases] == ["source"] * 6 + ["target"] * 3 + ["test"]
    first = found.cases[0]
    assert first.shape == (20, 16, 10)
    assert first.spacing == (1, 1, 2)
    assert first.orientation == "LAS"
    assert first.region == (20, 16, 20)
    assert first.millilitres == pytest.approx({"disc": 0.036, "canal": 0.016})
    assert first.outside == {"disc": 0.0, "canal": 0.0}
    assert 90 < first.intensity[0] < first.intensity[1] < 110 < first.intensity[2] < 210


def test_one_image_in_two_parts_is_found_whatever_its_name(parts, tmp_path):
    copied = tmp_path / "other.nii"
    save_volume(load_volume(parts["target"][0].image), copied)
    parts["test"].append(Case("other", Domain.TARGET, copied))
    (text,) = texts(seen(parts), fault=False)
    assert "2 files hold one image (target: " in text
    assert "other.nii, as other). One file can be both" in text


@pytest.mark.parametrize(
    ("origin", "part", "harm"),
    [
        ("source", "source", "It counts twice"),
        ("target", "target", "It counts twice"),
        ("source", "target", "What is tested on was learnt from"),
        ("source", "test", "What is tested on was learnt from"),
        ("test", "validation", "What is tested on was learnt from"),
    ],
)
def test_one_image_that_counts_twice_or_is_taught_and_tested_is_a_fault(
    parts, tmp_path, origin, part, harm
):
    parts["validation"] = []
    if origin == "test":
        parts["test"] = [case(tmp_path, "more", seed=77)]
    first = parts[origin][0]
    for name, path in (("copy", tmp_path / "copy.nii"), ("same", first.image)):
        if name == "copy":
            save_volume(load_volume(first.image), path)
        other = Case(name, Domain.SOURCE if part == "source" else Domain.TARGET, path, first.label)
        found = seen(parts | {part: [*parts[part], other]})
        (text,) = [one for one in texts(found, fault=True) if "Keep one of them" in one]
        assert ("2 files hold one image" if name == "copy" else "one file is listed twice") in text
        assert harm in text


def test_a_scan_that_is_target_and_test_at_once_is_no_duplicate(parts):
    parts["test"] = parts["target"]
    assert seen(parts).findings == ()


def test_a_region_that_cuts_a_structure_is_said(parts):
    # Array axis 0 runs left: the canal, at 12 of 20 there, is at 7 of 20 from the left side on.
    found = seen(parts, roi=ROI((0, 0, 0), (0.3, 1, 1)))
    cut = [text for text in texts(found, fault=False) if "s0_label.nii.gz" in text]
    assert len(cut) == 2
    assert all("100 % of" in text or "% of disc" in text for text in cut)
    assert found.cases[0].outside["canal"] == 1
    assert found.cases[0].region == (6, 16, 20)
    whole = seen(parts, roi=ROI((0.3, 0, 0), (0.5, 1, 1)))
    assert whole.cases[0].outside == {"disc": 1.0, "canal": 0.0}


def test_scans_and_structures_unlike_the_others_are_named(parts, tmp_path):
    parts["source"].append(case(tmp_path, "dark", seed=8, scale=5))
    parts["source"].append(case(tmp_path, "huge", seed=9, grow=7))
    found = texts(seen(parts), fault=False)
    assert [text.split(":")[0].rpartition("/")[2] for text in found] == [
        "dark.nii.gz",
        "huge_label.nii.gz",
    ]
    assert "disc has" in found[1]


def test_structures_that_are_missing_are_counted(parts):
    path = parts["source"][2].label
    label = load_volume(path, np.uint8)
    save_volume(Volume(label.data * (label.data == 1), label.affine), path)
    (text,) = texts(seen(parts), fault=False)
    assert "1 labelled case(s) have no canal (s2)" in text


def test_every_fault_is_said_at_once(parts):
    spoil = parts["source"][0].image
    volume = load_volume(spoil)
    volume.data[0, 0, 0] = np.nan
    save_volume(volume, spoil)
    parts["source"][1].image.write_bytes(b"no scan")
    parts["target"] = parts["target"][:1]
    found = seen(parts)
    assert not found.sound
    faults = texts(found, fault=True)
    assert len(faults) == 3
    assert "target: 1 case(s), but training needs at least 2" in faults[0]
    assert "s0.nii.gz: 1 voxels are NaN" in faults[1]
    assert "s1.nii.gz: not a readable NIfTI file" in faults[2]
    assert found.cases[1].shape == ()


def spoil_label(path, *, shift=0.0, add=0.0, value=None):
    label = load_volume(path, np.float32)
    affine = label.affine.copy()
    affine[0, 3] += shift
    data = label.data + np.float32(add) * (label.data > 0)
    if value is not None:
        data[0, 0, 0] = value
    save_volume(Volume(data, affine), path)


def test_what_is_right_but_for_rounding_is_mended_beside_the_original(parts, tmp_path):
    spoil_label(parts["source"][0].label, shift=0.3)
    spoil_label(parts["source"][1].label, add=0.0004)
    before = [path.read_bytes() for path in sorted(tmp_path.glob("*.nii.gz"))]
    found = seen(parts)
    assert [one.id for one in found.cases if one.mendable] == ["s0", "s1"]
    assert len(texts(found, fault=True)) == 2
    parted = {k: tuple(v) for k, v in parts.items()}
    inner, outer = ROI((0, 0, 0), (1, 0.5, 1)), ROI((0, 0, 0), (1, 0.75, 1))
    dataset = Dataset("spines", LABELS, **parted, roi=inner, translation_roi=outer)
    copies = mend(dataset, found, tmp_path / "mended")
    assert [path.name for path in copies] == ["s0.nii.gz", "s1.nii.gz"]
    assert [path.read_bytes() for path in sorted(tmp_path.glob("*.nii.gz"))] == before
    mended = open_dataset(Registry({"past-core": plugin}), tmp_path / "mended")
    assert inspect(replace(mended, roi=ROI())).findings == ()
    assert (mended.roi, mended.translation_roi) == (inner, outer)
    assert [one.id for one in mended.cases()] == [one.id for one in dataset.cases()]
    assert mended.source[0].load_label().data.dtype == np.uint8
    with pytest.raises(DataError, match="is not empty"):
        mend(dataset, found, tmp_path / "mended")


@pytest.mark.parametrize("wrong", [{"shift": 0.8}, {"add": 0.4}, {"value": 7}, {"value": np.nan}])
def test_what_is_more_than_rounding_is_left_alone(parts, tmp_path, wrong):
    spoil_label(parts["source"][0].label, **wrong)
    found = seen(parts)
    assert not found.sound
    assert not any(one.mendable for one in found.cases)
    dataset = Dataset("spines", LABELS, **{k: tuple(v) for k, v in parts.items()})
    assert mend(dataset, found, tmp_path / "mended") == []
    listed = json.loads((tmp_path / "mended/dataset.json").read_text())
    link = tmp_path / "mended" / listed["source"][0]["label"]
    assert link.readlink() == parts["source"][0].label


def test_what_no_source_scan_teaches_is_a_fault(parts):
    for case in parts["source"]:
        label = load_volume(case.label, np.uint8)
        save_volume(Volume(label.data * (label.data == 1), label.affine), case.label)
    (text,) = texts(seen(parts), fault=True)
    assert text.startswith("source: no label holds canal (value 2)")
