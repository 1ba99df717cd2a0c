"""File lists: what is read from them, and what is said of wrong ones."""

from __future__ import annotations

import json

import pytest

from past_core.datasets.datalist import DatalistConfig, DatalistReader
from past_core.errors import DataError
from past_core.roi import ROI

READER = DatalistReader(DatalistConfig())


def problems_of(folder):
    with pytest.raises(DataError) as error:
        READER.open(folder)
    return str(error.value)


def test_cases_are_listed_in_order_with_labels_and_protocols(datalist_folder):
    dataset = READER.open(datalist_folder)
    assert dataset.name == "small"
    assert dataset.labels.structures == ("ball", "shell")
    assert [case.id for case in dataset.cases()] == ["s1", "s2", "t1", "t2", "x1"]
    assert [case.protocol for case in dataset.target] == [None, "448"]
    assert dataset.source[0].label == datalist_folder / "files/s1_label.nii.gz"
    assert dataset.roi == ROI()
    dataset.check()


def test_the_name_may_be_left_to_the_folder(datalist_folder, edit_list):
    edit_list(lambda content: content.pop("name") and None)
    assert READER.open(datalist_folder).name == "listed"


def test_a_region_may_be_given(datalist_folder, edit_list):
    edit_list(lambda c: c | {"roi": {"lower": [0.25, 0, 0], "upper": [0.75, 1, 0.5]}})
    assert READER.open(datalist_folder).roi == ROI((0.25, 0, 0), (0.75, 1, 0.5))
    assert READER.open(datalist_folder).translation_roi is None
    edit_list(lambda c: c | {"translation_roi": {"lower": [0, 0, 0], "upper": [1, 1, 0.5]}})
    assert READER.open(datalist_folder).translation_roi == ROI((0, 0, 0), (1, 1, 0.5))


def test_targets_may_carry_labels_for_the_oracle(datalist_folder, edit_list, write):
    label = write.label(datalist_folder / "files/t1_label.nii.gz")
    entry = {"image": "files/t1_image.nii.gz", "label": "files/t1_label.nii.gz"}
    edit_list(lambda c: c | {"target": [entry, *c["target"][1:]]})
    assert READER.open(datalist_folder).target[0].label == label


def test_the_list_may_have_another_name(datalist_folder):
    (datalist_folder / "dataset.json").rename(datalist_folder / "fold0.json")
    reader = DatalistReader(DatalistConfig(file="fold0.json"))
    assert reader.recognises(datalist_folder)
    assert len(reader.open(datalist_folder).source) == 2
    assert not READER.recognises(datalist_folder)


def test_nnunets_own_list_is_not_taken_for_one(tmp_path):
    nnunet = {"channel_names": {"0": "T1"}, "labels": {"background": 0, "vs": 1}, "numTraining": 3}
    (tmp_path / "dataset.json").write_text(json.dumps(nnunet))
    assert not READER.recognises(tmp_path)


def test_broken_json_is_recognised_and_its_place_named(datalist_folder):
    path = datalist_folder / "dataset.json"
    path.write_text(path.read_text().replace("]", ",]", 1))
    assert READER.recognises(datalist_folder)
    message = problems_of(datalist_folder)
    assert f"{path}: not valid JSON" in message
    assert "line 1 column" in message


def test_a_missing_list_is_named(tmp_path):
    assert f"{tmp_path / 'dataset.json'}: no such file. Write one that lists" in problems_of(
        tmp_path
    )


def test_wrong_keys_and_values_are_listed_at_once_with_the_known_keys(datalist_folder, edit_list):
    def spoil(content):
        del content["labels"]
        content["numTraining"] = 2
        content["source"][0]["lable"] = content["source"][0].pop("label")
        content["target"][0] = 7
        content["roi"] = {"lower": [0, 0], "upper": [1, 1, 1]}

    edit_list(spoil)
    message = problems_of(datalist_folder)
    path = datalist_folder / "dataset.json"
    assert message.startswith(f"{path}: 5 problems")
    assert "labels: missing. Add it; known keys: name, labels, source" in message
    assert (
        "numTraining: unknown key. Known keys: name, labels, source, target, test, validation, "
        "roi, translation_roi." in message
    )
    assert "source.0.lable: unknown key. Known keys: image, label, protocol, id." in message
    assert "target.0: Input should be" in message
    assert "got 7." in message
    assert "roi.lower.2: missing." in message


def test_values_of_labels_are_integers(datalist_folder, edit_list):
    edit_list(lambda content: content["labels"].update(ball="one"))
    assert "labels.ball: Input should be a valid integer" in problems_of(datalist_folder)


def test_something_other_than_an_object_is_named(datalist_folder, edit_list):
    edit_list(lambda _: ["a", "b"])
    assert "the list: Input should be a valid dictionary" in problems_of(datalist_folder)


def test_label_values_with_a_gap_are_named(datalist_folder, edit_list):
    edit_list(lambda c: c | {"labels": {"background": 0, "ball": 1, "shell": 3}})
    message = problems_of(datalist_folder)
    assert str(datalist_folder / "dataset.json") in message
    assert "without gaps" in message
    assert "'shell': 3" in message


def test_an_impossible_region_is_named_with_its_file(datalist_folder, edit_list):
    edit_list(lambda c: c | {"roi": {"lower": [0.5, 0, 0], "upper": [0.5, 1, 1]}})
    message = problems_of(datalist_folder)
    assert f"{datalist_folder / 'dataset.json'}: roi: axis 0 runs from 0.5 to 0.5" in message


def test_missing_files_doubles_and_unlabelled_sources_are_listed_at_once(
    datalist_folder, edit_list
):
    (datalist_folder / "files/s2_label.nii.gz").unlink()
    (datalist_folder / "files/t2_image.nii.gz").unlink()

    def spoil(content):
        del content["source"][0]["label"]
        content["source"].append(
            {"image": "files/t1_image.nii.gz", "label": "files/x1_label.nii.gz"}
        )
        content["test"].append("scan.dcm")

    edit_list(spoil)
    message = problems_of(datalist_folder)
    folder = datalist_folder / "files"
    assert "5 problems" in message
    assert f"source: {folder / 's2_label.nii.gz'}: no such file. Correct the path" in message
    assert f"target: {folder / 't2_image.nii.gz'}: no such file" in message
    assert f"source: {folder / 's1_image.nii.gz'} has no label" in message
    assert (
        f"2 cases are named t1: source: {folder / 't1_image.nii.gz'}; "
        f"target: {folder / 't1_image.nii.gz'}. List each image once"
    ) in message
    assert f"test: {datalist_folder / 'scan.dcm'}: PAST reads .nii and .nii.gz" in message


def test_a_target_scan_may_be_a_test_scan_too(datalist_folder, edit_list):
    edit_list(lambda content: content["test"].append("files/t1_image.nii.gz"))
    dataset = DatalistReader(DatalistConfig()).open(datalist_folder)
    assert [case.id for case in dataset.test] == ["x1", "t1"]
    dataset.check()


def test_validation_scans_have_labels(datalist_folder, edit_list, write):
    image = write.image(datalist_folder / "files/v1_image.nii.gz")
    edit_list(lambda content: content | {"validation": ["files/v1_image.nii.gz"]})
    assert f"validation: {image} has no label" in problems_of(datalist_folder)
    label = write.label(datalist_folder / "files/v1_label.nii.gz")
    entry = {"image": "files/v1_image.nii.gz", "label": "files/v1_label.nii.gz"}
    edit_list(lambda content: content | {"validation": [entry]})
    (case,) = READER.open(datalist_folder).validation
    assert (case.id, case.label, case.domain) == ("v1", label, "target")


def test_a_region_that_is_not_all_translated_is_refused(datalist_folder, edit_list):
    edit_list(lambda c: c | {"translation_roi": {"lower": [0, 0, 0], "upper": [1, 0.5, 1]}})
    message = problems_of(datalist_folder)
    assert (
        f"{datalist_folder / 'dataset.json'}: roi: axis 1 runs from 0.0 to 1.0, beyond" in message
    )
