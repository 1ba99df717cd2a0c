"""Layouts of later challenges and of other tools: what is read, and what is said of wrong ones."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest

from past_core import plugin
from past_core.datasets import open_dataset, recognise
from past_core.errors import DataError
from past_core.plugins import Registry
from past_core.volume import Volume, load_volume, save_volume
from tests.core import trees

REGISTRY = Registry({"past-core": plugin})


@pytest.fixture
def made(tmp_path):
    """Make a tree of a layout; returns its folder."""

    def make(layout):
        layout(tmp_path)
        return tmp_path

    return make


def opened(folder, **values):
    name = recognise(REGISTRY, folder)
    return open_dataset(REGISTRY, folder, name, values)


def problems_of(folder, **values):
    with pytest.raises(DataError) as error:
        opened(folder, **values)
    return str(error.value)


def ids(cases):
    return [case.id for case in cases]


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def same_image(case, folder, seed):
    """Whether a case is the scan that ``trees`` made from this seed."""
    from past_core.testing.cases import tiny_volume

    image, _ = tiny_volume(case.domain, (32, 32, 16), seed)
    return np.array_equal(load_volume(case.image).data, image.data.astype(np.float32))


# --- crossMoDA 2022 and 2023


def test_2022_has_the_centre_as_protocol_and_the_winners_region(made):
    dataset = opened(made(trees.crossmoda2022))
    assert dataset.name == "crossmoda2022"
    assert ids(dataset.source) == ["crossmoda2021_ldn_10", "crossmoda2022_etz_0"]
    assert [case.protocol for case in dataset.target] == ["London", "Tilburg"]
    assert [case.protocol for case in dataset.source] == [None, None]
    assert ids(dataset.test) == ["crossmoda2021_ldn_211"]
    assert dataset.test[0].segmentation_name == "crossmoda2021_ldn_211_Label.nii.gz"
    assert dataset.labels.structures == ("vs", "cochlea")
    assert dataset.roi.lower == (3 / 16, 3 / 16, 0)
    assert dataset.roi.upper == (13 / 16, 13 / 16, 1)
    assert dataset.notes == ("source: 1 of 2 scans were made after an operation",)


def test_2022s_tables_name_centres_before_scans_names_do(made):
    folder = made(trees.crossmoda2022)
    (folder / "infos_target_training.csv").write_text(
        "crossmoda_name,group,center,koos\ncrossmoda2022_etz_105,target_training,Maastricht,\n"
    )
    assert [case.protocol for case in opened(folder).target] == ["London", "Maastricht"]


def test_a_table_of_other_columns_is_named(made):
    folder = made(trees.crossmoda2022)
    with (folder / "infos_validation.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["name", "center"], ["crossmoda2021_ldn_211", "London"]])
    assert "infos_validation.csv: no column crossmoda_name" in problems_of(folder)


def test_2023_has_three_centres_and_structures(made):
    dataset = opened(made(trees.crossmoda2023))
    assert dataset.name == "crossmoda2023"
    assert [case.protocol for case in dataset.target] == ["London", "UKM"]
    assert [case.protocol for case in dataset.test] == ["Tilburg"]
    assert dataset.labels.structures == ("vs-extrameatal", "vs-intrameatal", "cochlea")
    assert dataset.test[0].label is None
    assert dataset.test[0].segmentation_name == "crossmoda2023_etz_211.nii.gz"


def test_files_of_another_year_are_unexpected(made, write):
    folder = made(trees.crossmoda2023)
    for name in ("crossmoda2022_etz_3_T2", "crossmoda2023_etz_3_hrT2", "crossmoda2023_abc_3_T2"):
        write.image(folder / f"crossmoda23_training/TrainingTarget/{name}.nii.gz")
    (folder / "crossmoda23_training/TrainingSource/crossmoda2023_ukm_1_Label.nii.gz").unlink()
    said = problems_of(folder)
    assert said.count("unexpected file; this folder holds") == 3
    assert "crossmoda2023_etz_N_T2.nii.gz" in said
    assert "crossmoda2023_ukm_1_ceT1.nii.gz: no label beside it" in said


# --- nnU-Net


def test_nnunets_raw_data_sets_are_told_apart_by_their_labels(made):
    folder = made(trees.nnunet_raw)
    dataset = opened(folder)
    assert dataset.name == "T1-to-T2"
    assert ids(dataset.source) == ["source_000", "source_001"]
    assert ids(dataset.target) == ["target_000", "target_001"]
    assert ids(dataset.test) == ["test_000"]
    assert same_image(dataset.source[1], folder, 1)
    assert same_image(dataset.test[0], folder, 20)
    assert dataset.test[0].label == folder / "Dataset002_T2/labelsTs/test_000.nii.gz"
    assert all(case.label is None for case in dataset.target)
    assert dataset.labels.structures == ("ball", "shell")


def test_where_both_or_three_are_there_settings_say_which(made):
    folder = made(trees.nnunet_raw)
    shutil.copytree(folder / "Dataset001_T1", folder / "Dataset003_PD")
    said = problems_of(folder)
    assert "which data set is the source and which the target?" in said
    assert "Dataset001_T1 (labelled), Dataset002_T2, Dataset003_PD (labelled)" in said
    dataset = opened(folder, source="Dataset003_PD", target="Dataset001_T1")
    assert dataset.name == "PD-to-T1"
    # The target's own labels are the oracle's, and nothing is scored by them.
    assert all(case.label is not None for case in dataset.target)
    assert [case.label for case in dataset.test] == [None, None]
    assert "no data set 'T1' (dataset.source)" in problems_of(folder, source="T1")
    assert "cannot be source and target" in problems_of(
        folder, source="Dataset003_PD", target="Dataset003_PD"
    )


def test_several_channels_are_refused_with_the_reason(made, write):
    folder = made(trees.nnunet_raw)
    write.image(folder / "Dataset002_T2/imagesTr/target_000_0001.nii.gz")
    said = problems_of(folder)
    assert "target_000 has 2 channels (target_000_0000, ...), but a translation goes from" in said
    edit(folder / "Dataset002_T2/dataset.json", lambda c: c["channel_names"].update({"1": "DWI"}))
    assert "2 channels (MR, DWI), but a translation goes from one contrast" in problems_of(folder)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"background": 0, "ball": 1, "ignore": 2}, "some voxels are labelled 'ignore' (2)"),
        ({"background": 0, "whole": [1, 2], "shell": 2}, "whole is [1, 2], no single value"),
        ({"background": 0, "shell": 2}, "without gaps"),
    ],
)
def test_labels_that_cannot_be_trained_on_are_refused(made, labels, said):
    folder = made(trees.nnunet_raw)
    edit(folder / "Dataset001_T1/dataset.json", lambda content: content.update(labels=labels))
    assert said in problems_of(folder)


def test_structures_of_both_halves_must_be_the_same_or_be_named(made):
    folder = made(trees.nnunet_raw)
    edit(
        folder / "Dataset002_T2/dataset.json",
        lambda content: content.update(labels={"background": 0, "cyst": 1}),
    )
    assert "has the structures cyst, but" in problems_of(folder)
    assert opened(folder, labels="a=1,b=2").labels.structures == ("a", "b")


def test_a_label_without_image_and_an_image_without_label_are_named(made):
    folder = made(trees.nnunet_raw)
    raw = folder / "Dataset001_T1"
    (raw / "labelsTr/source_001.nii.gz").rename(raw / "labelsTr/source_009.nii.gz")
    assert "source_009.nii.gz: a label without an image" in problems_of(folder)
    (raw / "labelsTr/source_009.nii.gz").unlink()
    assert "source_001_0000.nii.gz: no label for this source scan" in problems_of(folder)


def test_files_that_are_no_nifti_are_refused(made):
    folder = made(trees.nnunet_raw)
    edit(folder / "Dataset001_T1/dataset.json", lambda content: content.update(file_ending=".png"))
    assert "files of type .png" in problems_of(folder)


# --- Decathlon and MONAI


def test_decathlons_tasks_are_told_apart_by_their_labels(made):
    folder = made(trees.decathlon)
    dataset = opened(folder)
    assert dataset.name == "T1-to-T2"
    # Both tasks call their scans alike.
    assert ids(dataset.source) == ["head_0", "head_1"]
    assert ids(dataset.target) == ["target-head_0", "target-head_1"]
    assert ids(dataset.test) == ["head_5"]
    assert same_image(dataset.target[1], folder, 11)
    assert dataset.labels.structures == ("ball", "shell")


def test_monais_lists_of_other_names_are_read_by_settings(made):
    folder = made(trees.decathlon)
    lists = folder / "lists"
    lists.mkdir()
    trees.write_json(
        lists / "a.json",
        training=[
            {
                "fold": n % 2,
                "image": f"../Task01_T1/imagesTr/head_{n}.nii.gz",
                "label": f"../Task01_T1/labelsTr/head_{n}.nii.gz",
            }
            for n in range(2)
        ],
    )
    label = "../Task01_T1/labelsTr/head_0.nii.gz"
    trees.write_json(
        lists / "b.json",
        training=[{"image": ["../Task02_T2/imagesTr/head_0.nii.gz"]}],
        validation=[{"image": "../Task02_T2/imagesTr/head_1.nii.gz", "label": label}],
        testing=[{"image": "../Task02_T2/imagesTs/head_5.nii.gz"}],
    )
    dataset = open_dataset(
        REGISTRY, folder, "decathlon", {"source": "lists/a.json", "target": "lists/b.json"}
    )
    assert dataset.name == "a-to-b"
    assert [len(cases) for cases in dataset.parts().values()] == [2, 1, 1, 1]
    assert ids(dataset.test) == ["head_5"]
    assert dataset.labels.structures == ("label1", "label2")
    assert dataset.validation[0].label is not None


def test_entries_that_are_no_scans_are_named_all_at_once(made):
    folder = made(trees.decathlon)

    def spoil(content):
        content["training"] = [7, {"image": ["a.nii.gz", "b.nii.gz"]}, {"scan": "c"}]
        content["test"] = {"image": "d.nii.gz"}

    edit(folder / "Task02_T2/dataset.json", spoil)
    said = problems_of(folder)
    assert "training: a scan of 2 channels (a.nii.gz, b.nii.gz), but a translation" in said
    assert "7 is neither a path nor" in said
    assert "{'scan': 'c'} is neither a path nor" in said
    assert "test is {'image': 'd.nii.gz'}, not a list" in said


def test_listed_files_that_are_missing_are_named(made):
    folder = made(trees.decathlon)
    (folder / "Task02_T2/imagesTr/head_1.nii.gz").unlink()
    assert "head_1.nii.gz: no such file, but" in problems_of(folder)
    edit(folder / "Task02_T2/dataset.json", lambda c: c.update(modality={"0": "T2", "1": "DWI"}))
    assert "2 channels (T2, DWI)" in problems_of(folder)


# --- BIDS


def test_bids_labels_are_found_by_their_entities(made):
    folder = made(trees.bids)
    dataset = opened(folder, test="sub-20")
    assert dataset.name == "T1w-to-T2w"
    assert ids(dataset.source) == ["sub-00_ses-a_ce-gad_T1w", "sub-01_ses-a_ce-gad_T1w"]
    assert [case.label.name for case in dataset.source] == [
        f"sub-0{n}_ses-a_ce-gad_desc-tumour_dseg.nii.gz" for n in range(2)
    ]
    assert same_image(dataset.source[1], folder, 1)
    assert ids(dataset.target) == ["sub-10_T2w", "sub-11_T2w"]
    assert ids(dataset.test) == ["sub-20_T2w"]
    assert dataset.labels.structures == ("ball", "shell")
    assert ids(opened(folder).test) == ["sub-10_T2w", "sub-11_T2w", "sub-20_T2w"]


def test_contrasts_of_one_suffix_are_told_apart_by_entities(made, write):
    folder = made(trees.bids)
    for n in range(2):
        anat = folder / f"sub-0{n}/ses-a/anat"
        shutil.copy(anat / f"sub-0{n}_ses-a_ce-gad_T1w.nii.gz", anat / f"sub-0{n}_ses-a_T1w.nii.gz")
    assert len(opened(folder, source="ce-gad_T1w", target="T2w").source) == 2
    said = problems_of(folder)
    assert "sub-00_ses-a_T1w.nii.gz: no label for this source scan" in said
    assert "no contrast 'ce-gd_T1w'" in problems_of(folder, source="ce-gd_T1w", target="T2w")


def test_a_label_that_fits_several_is_drawn_on_the_one_of_its_grid(made):
    folder = made(trees.bids)
    anat = folder / "sub-00/ses-a/anat"
    image = load_volume(anat / "sub-00_ses-a_ce-gad_T1w.nii.gz")
    labels = folder / "derivatives/manual/sub-00/ses-a/anat"
    (only,) = labels.iterdir()
    only = only.rename(labels / "sub-00_ses-a_dseg.nii.gz")
    save_volume(Volume(image.data[:, :, 1:], image.affine), anat / "sub-00_ses-a_T2w.nii.gz")
    dataset = opened(folder)
    assert dataset.source[0].label == only
    assert dataset.target[0].label is None
    save_volume(image, anat / "sub-00_ses-a_T2w.nii.gz")
    assert "could be the label of sub-00_ses-a_T2w.nii.gz, sub-00" in problems_of(folder)
    spaced = only.rename(labels / "sub-00_ses-a_space-T1w_dseg.nii.gz")
    assert opened(folder).source[0].label == spaced


def test_bids_labels_in_two_derivatives_must_be_chosen(made):
    folder = made(trees.bids)
    shutil.copytree(folder / "derivatives/manual", folder / "derivatives/network")
    assert "labels are in manual, network" in problems_of(folder)
    label = opened(folder, derivatives="network").source[0].label
    assert label.is_relative_to(folder / "derivatives/network")
    assert "others that have some: manual, network" in problems_of(folder, derivatives="nets")


def test_unknown_subjects_and_stray_labels_are_named(made, write):
    folder = made(trees.bids)
    write.label(folder / "derivatives/manual/sub-99/anat/sub-99_dseg.nii.gz")
    said = problems_of(folder, test="20, 77")
    assert "sub-99_dseg.nii.gz: a label without an image" in said
    assert "subject 77 has no target scan" in said


def test_a_table_of_structures_that_is_none_is_named(made):
    folder = made(trees.bids)
    (folder / "derivatives/manual/dseg.tsv").write_text("value\tname\n1\tball\n")
    assert "dseg.tsv: no column index" in problems_of(folder)


@pytest.fixture
def paired(made):
    """A BIDS tree in which every subject has both contrasts, each with a label."""
    folder = made(trees.bids)
    for n in range(2):
        name = f"sub-0{n}_ses-a"
        anat, drawn = (
            root / f"sub-0{n}/ses-a/anat" for root in (folder, folder / "derivatives/manual")
        )
        shutil.copy(anat / f"{name}_ce-gad_T1w.nii.gz", anat / f"{name}_T2w.nii.gz")
        (label,) = drawn.iterdir()
        shutil.copy(label, drawn / f"{name}_space-T2w_dseg.nii.gz")
    return folder


def test_nothing_is_learnt_of_test_subjects_not_from_their_source_scans_either(paired):
    dataset = opened(paired, source="T1w", target="T2w", test="01")
    assert ids(dataset.source) == ["sub-00_ses-a_ce-gad_T1w"]
    assert ids(dataset.test) == ["sub-01_ses-a_T2w"]
    assert dataset.test[0].label is not None
    assert "source: 1 scans of test subjects are left out" in dataset.notes
    assert "sub-01" not in " ".join(str(case.image) for case in dataset.target)


def test_one_subject_may_be_a_number(paired):
    assert ids(opened(paired, source="T1w", target="T2w", test=20).test) == ["sub-20_T2w"]


def test_a_contrast_with_entities_is_not_also_that_without(paired):
    for n in range(2):
        anat = paired / f"sub-0{n}/ses-a/anat"
        shutil.copy(anat / f"sub-0{n}_ses-a_ce-gad_T1w.nii.gz", anat / f"sub-0{n}_ses-a_T1w.nii.gz")
    dataset = opened(paired, source="ce-gad_T1w", target="T1w")
    assert ids(dataset.target) == ["sub-00_ses-a_T1w", "sub-01_ses-a_T1w"]


def test_labels_of_templates_are_passed_over_and_of_several_one_is_named(paired):
    drawn = paired / "derivatives/manual/sub-00/ses-a/anat"
    label = drawn / "sub-00_ses-a_ce-gad_desc-tumour_dseg.nii.gz"
    shutil.copy(label, drawn / "sub-00_ses-a_space-MNI152_dseg.nii.gz")
    two = {"source": "ce-gad_T1w", "target": "T2w"}
    assert len(opened(paired, **two).source) == 2
    shutil.copy(label, drawn / "sub-00_ses-a_ce-gad_desc-other_dseg.nii.gz")
    assert "Say which ones to take by --set dataset.desc=NAME" in problems_of(paired, **two)
    assert opened(paired, **two, desc="tumour").source[0].label == label


def test_a_contrast_that_is_not_there_is_told_with_all_that_are(paired):
    said = problems_of(paired, source="T1", target="T2w")
    assert "no contrast 'T1' (dataset.source); there is T2w, T1w" in said


@pytest.mark.parametrize(
    ("layout", "path", "labels"),
    [
        (trees.nnunet_raw, "Dataset002_T2", {"background": 0}),
        (trees.decathlon, "Task02_T2", {"0": "background"}),
    ],
)
def test_a_target_that_nobody_has_labelled_may_declare_background_alone(made, layout, path, labels):
    folder = made(layout)
    edit(folder / path / "dataset.json", lambda content: content.update(labels=labels))
    assert opened(folder).labels.structures == ("ball", "shell")
    (folder / path / "dataset.json").unlink()
    if layout is trees.nnunet_raw:
        (folder / "Dataset002_T2/labelsTr").mkdir()
        assert "dataset.json: no such file. Add it" in problems_of(folder)


def test_scans_of_one_name_in_many_folders_are_told_apart(made):
    folder = made(trees.decathlon)
    entries = []
    for n in range(2):
        for kind in ("image", "label"):
            place = folder / f"Task01_T1/{kind}s/p{n}/scan.nii.gz"
            place.parent.mkdir(parents=True)
            shutil.move(folder / f"Task01_T1/{kind}sTr/head_{n}.nii.gz", place)
        entries.append({"image": f"images/p{n}/scan.nii.gz", "label": f"labels/p{n}/scan.nii.gz"})
    third = folder / "Task01_T1/images/p2/scan.nii.gz"
    third.parent.mkdir()
    shutil.copy(folder / "Task01_T1/images/p0/scan.nii.gz", third)
    entries.append({"image": "images/p2/scan.nii.gz", "label": "labels/p0/scan.nii.gz"})
    edit(folder / "Task01_T1/dataset.json", lambda content: content.update(training=entries))
    dataset = opened(folder)
    assert ids(dataset.source) == ["scan", "source-scan", "p2-scan"]
    dataset.check()


def test_the_folder_around_one_data_set_is_hinted_at(made):
    folder = made(trees.nnunet_raw)
    with pytest.raises(DataError, match=r"Dataset001_T1: is a part of a data set. Name the folder"):
        recognise(REGISTRY, folder / "Dataset001_T1")
