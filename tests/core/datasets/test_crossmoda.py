"""crossMoDA 2021 folders: what is read from them, and what is said of wrong ones."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from past_core.datasets.crossmoda.edition2021 import PAPER_ROI, CrossModaConfig, CrossModaReader
from past_core.errors import DataError
from past_core.volume import Volume

READER = CrossModaReader(CrossModaConfig())


def problems_of(folder):
    with pytest.raises(DataError) as error:
        READER.open(folder)
    return str(error.value)


def test_cases_are_listed_by_number_with_their_labels(crossmoda_folder):
    dataset = READER.open(crossmoda_folder)
    assert dataset.labels.as_mapping() == {"background": 0, "vs": 1, "cochlea": 2}
    assert [case.id for case in dataset.target] == [
        "crossmoda_106",
        "crossmoda_107",
        "crossmoda_115",
    ]
    assert [case.domain for case in dataset.cases()] == ["source"] * 2 + ["target"] * 5
    assert all(case.label is not None for case in dataset.source)
    assert all(case.label is None for case in dataset.target)
    assert [case.label is not None for case in dataset.test] == [True, False]
    dataset.check()


def test_numbers_sort_as_numbers(crossmoda_folder, write):
    write.image(crossmoda_folder / "source_training/crossmoda_10_ceT1.nii.gz")
    write.label(crossmoda_folder / "source_training/crossmoda_10_Label.nii.gz")
    ids = [case.id for case in READER.open(crossmoda_folder).source]
    assert ids == ["crossmoda_1", "crossmoda_2", "crossmoda_10"]


def test_the_protocol_is_the_in_plane_matrix_of_hrt2_alone(crossmoda_folder, write):
    write.image(crossmoda_folder / "target_training/crossmoda_116_hrT2.nii.gz", (448, 384, 2))
    write.image(crossmoda_folder / "target_training/crossmoda_117_hrT2.nii.gz", (448, 448, 2))
    dataset = READER.open(crossmoda_folder)
    assert [case.protocol for case in dataset.target] == ["8", "6", "8", "448x384", "448"]
    assert [case.protocol for case in dataset.source] == [None, None]


def test_protocols_can_be_named(crossmoda_folder):
    (crossmoda_folder / "protocols.json").write_text('{"8": "fast"}')
    dataset = READER.open(crossmoda_folder)
    assert [case.protocol for case in dataset.target] == ["fast", "6", "fast"]


def test_labels_of_training_targets_come_from_a_folder_of_their_own(crossmoda_folder, write):
    label = write.label(crossmoda_folder / "target_oracle/crossmoda_107_Label.nii.gz", (6, 6, 4))
    dataset = READER.open(crossmoda_folder)
    assert [case.label for case in dataset.target] == [None, label, None]


def test_files_of_other_kinds_are_passed_over(crossmoda_folder):
    (crossmoda_folder / "source_training/readme.txt").write_text("as downloaded")
    (crossmoda_folder / "source_training/._crossmoda_1_ceT1.nii.gz").write_bytes(b"macOS")
    assert len(READER.open(crossmoda_folder).source) == 2


def test_the_region_is_the_papers_counted_from_the_front():
    columns, rows, slices = 16, 16, 3
    lps = np.diag([-1.0, -1.0, 1.0, 1.0])
    marked = np.zeros((columns, rows, slices), np.uint8)
    # The paper's [W/4:3W/4, 3H/8:3H/4, 0:D], in an array whose rows run to the back.
    marked[4:12, 6:12, :] = 1
    volume = Volume(marked, lps)
    crop = PAPER_ROI.crop(volume).data
    assert crop.shape == (8, 6, 3)
    assert crop.all()


def test_recognises_the_two_training_folders(crossmoda_folder, tmp_path):
    assert READER.recognises(crossmoda_folder)
    shutil.rmtree(crossmoda_folder / "target_training")
    assert not READER.recognises(crossmoda_folder)
    assert not READER.recognises(tmp_path / "missing")


def test_a_source_image_without_label_is_named_with_the_name_expected(crossmoda_folder):
    (crossmoda_folder / "source_training/crossmoda_2_Label.nii.gz").unlink()
    message = problems_of(crossmoda_folder)
    assert "source_training/crossmoda_2_ceT1.nii.gz: no label beside it" in message
    assert "expected crossmoda_2_Label.nii.gz. Add the label, or remove the image." in message


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("source_training/crossmoda_9_Label.nii.gz", "crossmoda_9_ceT1.nii.gz"),
        ("target_validation/crossmoda_9_Label.nii.gz", "crossmoda_9_hrT2.nii.gz"),
        ("target_oracle/crossmoda_9_Label.nii.gz", "crossmoda_9_hrT2.nii.gz"),
    ],
)
def test_a_label_without_image_is_named_with_the_name_expected(
    crossmoda_folder, write, label, expected
):
    write.label(crossmoda_folder / label)
    message = problems_of(crossmoda_folder)
    assert f"{label}: a label without an image; expected {expected}" in message


@pytest.mark.parametrize(
    "name",
    [
        "source_training/crossmoda_3_hrT2.nii.gz",
        "target_training/crossmoda_106_Label.nii.gz",
        "target_training/crossmoda_106_hrT2 (1).nii.gz",
        "target_validation/scan.nii.gz",
        "target_training/crossmoda_109_hrT2.nii",
    ],
)
def test_an_unexpected_file_is_named_with_what_the_folder_holds(crossmoda_folder, write, name):
    write.image(crossmoda_folder / name)
    message = problems_of(crossmoda_folder)
    assert f"{name}: unexpected file; this folder holds crossmoda_N_" in message
    assert "Rename or remove it." in message


def test_missing_and_empty_folders_are_named(crossmoda_folder):
    shutil.rmtree(crossmoda_folder / "target_training")
    shutil.rmtree(crossmoda_folder / "source_training")
    (crossmoda_folder / "source_training").mkdir()
    message = problems_of(crossmoda_folder)
    assert "2 problems" in message
    assert "target_training: no such folder. Create it, with files crossmoda_N_hrT2" in message
    assert "source_training: the folder is empty. Put files crossmoda_N_ceT1" in message


def test_validation_scans_may_be_missing(crossmoda_folder):
    shutil.rmtree(crossmoda_folder / "target_validation")
    dataset = READER.open(crossmoda_folder)
    assert dataset.test == ()
    assert [case.id for case in dataset.with_test().test] == [case.id for case in dataset.target]


def test_an_image_whose_header_cannot_be_read_is_named(crossmoda_folder):
    path = crossmoda_folder / "target_training/crossmoda_106_hrT2.nii.gz"
    path.write_bytes(path.read_bytes()[:30])
    assert f"{path}: not a readable NIfTI file" in problems_of(crossmoda_folder)


@pytest.mark.parametrize("text", ["{", "[]", '{"448": 448}'])
def test_a_wrong_table_of_protocols_is_named_with_an_example(crossmoda_folder, text):
    (crossmoda_folder / "protocols.json").write_text(text)
    message = problems_of(crossmoda_folder)
    assert "protocols.json: not an object of matrix and protocol name" in message
    assert '{"112": "448"}' in message


def test_all_problems_are_listed_at_once(crossmoda_folder, write):
    (crossmoda_folder / "source_training/crossmoda_1_Label.nii.gz").unlink()
    (crossmoda_folder / "source_training/crossmoda_2_ceT1.nii.gz").unlink()
    write.image(crossmoda_folder / "target_training/extra.nii.gz")
    write.image(crossmoda_folder / "target_validation/extra.nii.gz")
    (crossmoda_folder / "protocols.json").write_text("none")
    first, *lines = problems_of(crossmoda_folder).splitlines()
    assert first == f"crossMoDA data set {crossmoda_folder}: 5 problems"
    assert len(lines) == 5


def test_scans_to_choose_settings_by_come_from_a_folder_of_their_own(crossmoda_folder, write):
    image = write.image(crossmoda_folder / "target_tuning/crossmoda_301_hrT2.nii.gz")
    assert f"{image}: no label beside it" in problems_of(crossmoda_folder)
    label = write.label(crossmoda_folder / "target_tuning/crossmoda_301_Label.nii.gz")
    dataset = READER.open(crossmoda_folder)
    (case,) = dataset.validation
    assert (case.id, case.image, case.label, case.protocol) == ("crossmoda_301", image, label, "8")
    assert [one.id for one in dataset.segmented] == [
        "crossmoda_211",
        "crossmoda_212",
        "crossmoda_301",
    ]
    dataset.check()
