"""Plain folders of scans: what is read, and what is said of wrong ones."""

import shutil

import numpy as np
import pytest

from past_core import plugin
from past_core.datasets import open_dataset
from past_core.datasets.folders import FoldersConfig, FoldersReader
from past_core.errors import DataError
from past_core.inspection import inspect
from past_core.plugins import Registry
from past_core.volume import Volume, load_volume, save_volume


@pytest.fixture
def scans(tmp_path, write):
    """Two source scans with labels of other names, three target scans; names recur."""
    for n in (1, 2):
        write.image(tmp_path / f"t1/{n}_t1.nii.gz", seed=n)
        write.label(tmp_path / f"labels/{n}-seg.nii.gz")
    for n in (1, 2, 3):
        write.image(tmp_path / f"t2/{n}_t1.nii.gz", seed=10 + n)
    (tmp_path / "t2/notes.txt").write_text("of no interest")
    (tmp_path / "t2/._1_t1.nii.gz").write_text("a trace of another system")
    return tmp_path


def reader(**folders):
    return FoldersReader(FoldersConfig(source="t1", source_labels="labels", target="t2", **folders))


def problems_of(scans, **folders):
    with pytest.raises(DataError) as error:
        reader(**folders).open(scans)
    return str(error.value)


def test_scans_are_paired_and_cases_of_one_name_told_apart(scans):
    dataset = reader().open(scans)
    assert dataset.name == "t1-to-t2"
    assert [(case.id, case.label.name) for case in dataset.source] == [
        ("1_t1", "1-seg.nii.gz"),
        ("2_t1", "2-seg.nii.gz"),
    ]
    assert [case.id for case in dataset.target] == ["target-1_t1", "target-2_t1", "3_t1"]
    assert dataset.labels.structures == ("label1", "label2")
    assert dataset.notes == (
        "source: 2 scans, 2 with labels by name "
        "(1_t1.nii.gz = 1-seg.nii.gz; 2_t1.nii.gz = 2-seg.nii.gz)",
        "target: 3 scans",
    )
    dataset.with_test().check()


def test_without_test_scans_the_targets_are_segmented_and_not_scored(scans, write):
    write.label(scans / "target-labels/3_t1.nii.gz")
    registry = Registry({"past-core": plugin})
    values = {"source": "t1", "source_labels": "labels", "target": "t2"}
    values["target_labels"] = "target-labels"
    dataset = open_dataset(registry, scans, "folders", values)
    assert [case.image for case in dataset.test] == [case.image for case in dataset.target]
    assert [case.label for case in dataset.test] == [None] * 3
    assert dataset.target[2].label is not None


def test_validation_scans_are_not_test_scans_as_well(scans, write):
    write.label(scans / "known/3.nii.gz")
    shutil.copytree(scans / "t2", scans / "unseen", ignore=lambda *_: ["1_t1.nii.gz"])
    dataset = reader(validation="t2", validation_labels="known")
    assert "no label for this validation scan" in problems_of(
        scans, validation="t2", validation_labels="known"
    )
    (scans / "t2/1_t1.nii.gz").rename(scans / "own.nii.gz")
    (scans / "t2/2_t1.nii.gz").unlink()
    opened = dataset.open(scans).with_test()
    assert [case.id for case in opened.validation] == ["3_t1"]
    assert opened.test == ()


def test_a_folder_may_be_target_and_test_at_once(scans):
    dataset = reader(test="t2").open(scans)
    assert [case.id for case in dataset.test] == [case.id for case in dataset.target]
    other = reader(test="more")
    shutil.copytree(scans / "t2", scans / "more")
    assert [c.id for c in other.open(scans).test] == ["test-1_t1", "test-2_t1", "test-3_t1"]


def test_structures_may_be_named(scans):
    named = reader(labels="canal = 2, disc=1").open(scans)
    assert named.labels.structures == ("disc", "canal")
    assert reader(labels="disc,canal").open(scans).labels.structures == ("disc", "canal")
    assert "is no list of structures" in problems_of(scans, labels="disc=1,disc=2")
    assert "without gaps" in problems_of(scans, labels="disc=1,canal=3")


def test_label_values_with_a_gap_are_named_with_their_file(scans, write):
    write.label(scans / "labels/2-seg.nii.gz", values=(0, 1, 4))
    assert "4 (2-seg.nii.gz); structures must be 1, 2" in problems_of(scans)


def test_several_channels_are_refused_with_the_reason(scans, write):
    for channel in (0, 1):
        write.image(scans / f"t2/knee_{channel:04}.nii.gz")
    assert "knee has 2 channels (knee_0000, ...)" in problems_of(scans)


def test_nnunets_mark_of_the_one_channel_is_no_part_of_the_name(scans, write):
    write.image(scans / "t2/knee_0000.nii.gz")
    assert "knee" in [case.id for case in reader().open(scans).target]


def test_all_problems_are_listed_at_once(scans, write):
    write.label(scans / "labels/7.nii.gz")
    (scans / "labels/2-seg.nii.gz").unlink()
    (scans / "empty").mkdir()
    message = problems_of(scans, test="empty", validation="nowhere", target_labels="none")
    assert "5 problems" in message
    assert "7.nii.gz: a label without an image" in message
    assert "2_t1.nii.gz: no label for this source scan in labels" in message
    assert "empty: no .nii or .nii.gz file is in it" in message
    assert "nowhere: no such folder" in message
    assert "none: no such folder" in message


def test_labels_that_could_belong_to_several_are_named_with_them(scans, write):
    path = write.label(scans / "labels/x_1_2.nii.gz")
    assert "x_1_2.nii.gz: could be the label of 1_t1.nii.gz, 2_t1" in problems_of(scans)
    path.rename(scans / "labels/1_t1.nii.gz")
    said = problems_of(scans)
    assert "1-seg.nii.gz: 1_t1.nii.gz has a label already, 1_t1.nii.gz" in said


def test_folders_that_are_not_named_are_asked_for(tmp_path):
    with pytest.raises(DataError, match="--source-labels, --target is missing"):
        FoldersReader(FoldersConfig(source=tmp_path)).open(tmp_path)


def test_labels_that_are_no_numbers_are_left_to_the_check(scans, write):
    path = scans / "labels/2-seg.nii.gz"
    write.image(path)
    data = np.full(write.shape, np.nan, np.float32)
    data[0] = 1
    save_volume(Volume(data, write.affine), path)
    with pytest.raises(DataError, match=r"2-seg.nii.gz: label values"):
        reader().open(scans).with_test().check()


def test_one_folder_cannot_be_both_contrasts(scans):
    other = FoldersReader(FoldersConfig(source="t1", source_labels="labels", target="t1"))
    with pytest.raises(DataError, match="cannot be --source and --target"):
        other.open(scans)


def test_a_link_that_leads_nowhere_is_missed(scans):
    (scans / "t2/4_t1.nii.gz").symlink_to(scans / "not/there.nii.gz")
    with pytest.raises(DataError, match=r"4_t1.nii.gz: no such file"):
        reader().open(scans).with_test().check()


def test_labels_that_are_nearly_integers_are_found_as_those(scans, write):
    for path in (scans / "labels").iterdir():
        label = load_volume(path)
        save_volume(Volume((label.data * 0.99995).astype(np.float32), label.affine), path)
    dataset = reader().open(scans)
    assert dataset.labels.structures == ("label1", "label2")
    assert [one.mendable for one in inspect(dataset).cases if one.part == "source"] == [True, True]
