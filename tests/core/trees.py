"""Made data sets in the layouts of challenges and other tools, with their official names.

Each has two labelled source scans, two target scans and one labelled test scan of
``past_core.testing.tiny_cases``.
"""

from __future__ import annotations

import json
import shutil

import numpy as np

from past_core.case import Domain
from past_core.testing import tiny_cases
from past_core.volume import load_volume, save_volume

PARTS = {"source": (Domain.SOURCE, 0, 2), "target": (Domain.TARGET, 10, 2)}
PARTS["test"] = (Domain.TARGET, 20, 1)


def scans(folder, part, *, labelled=True):
    """Images and labels of one part, to be moved to where a layout has them."""
    domain, seed, count = PARTS[part]
    cases = tiny_cases(folder / f"made-{part}", domain, count, seed=seed, labelled=labelled)
    return [(case.image, case.label) for case in cases]


def move(pairs, image_at, label_at=None):
    """Move images and labels to ``image_at(n)`` and ``label_at(n)``, n from 0."""
    for n, (image, label) in enumerate(pairs):
        for file, place in ((image, image_at), (label, label_at)):
            if file is not None and place is not None:
                place(n).parent.mkdir(parents=True, exist_ok=True)
                shutil.move(file, place(n))
    shutil.rmtree(pairs[0][0].parent)


def crossmoda2022(folder):
    names = {
        "source": ("training_source", ["crossmoda2021_ldn_10", "crossmoda2022_etz_0"]),
        "target": ("training_target", ["crossmoda2021_ldn_106", "crossmoda2022_etz_105"]),
        "test": ("validation", ["crossmoda2021_ldn_211"]),
    }
    crossmoda(folder, names, "hrT2")
    (folder / "infos_source_training.csv").write_text(
        "crossmoda_name,group,center,koos\n"
        "crossmoda2021_ldn_10,source_training,London,3\n"
        "crossmoda2022_etz_0,source_training,Tilburg,post-operative-london\n"
    )


def crossmoda2023(folder):
    names = {
        "source": ("TrainingSource", ["crossmoda2023_ukm_1", "crossmoda2023_etz_2"]),
        "target": ("TrainingTarget", ["crossmoda2023_ukm_44", "crossmoda2023_ldn_80"]),
        "test": ("crossmoda23_validation", ["crossmoda2023_etz_211"]),
    }
    crossmoda(folder, names, "T2")
    training = folder / "crossmoda23_training"
    training.mkdir()
    for part in ("TrainingSource", "TrainingTarget"):
        (folder / part).rename(training / part)
    for path in (training / "TrainingSource").glob("*_Label.nii.gz"):
        label = load_volume(path, np.uint8)  # of three structures, where the tiny cases have two
        upper = label.data[..., label.shape[2] // 2 :]
        upper[upper == 2] = 3
        save_volume(label, path)


def crossmoda(folder, names, target):
    for part, (place, ids) in names.items():
        crossmoda_part(folder, part, folder / place, ids, "ceT1" if part == "source" else target)


def crossmoda_part(folder, part, place, ids, contrast):
    move(
        scans(folder, part, labelled=part == "source"),
        lambda n: place / f"{ids[n]}_{contrast}.nii.gz",
        lambda n: place / f"{ids[n]}_Label.nii.gz",
    )


def nnunet_raw(folder):
    labels = {"background": 0, "ball": 1, "shell": 2}
    names = {"source": "Dataset001_T1", "target": "Dataset002_T2", "test": "Dataset002_T2"}
    for part, name in names.items():
        nnunet_part(folder, part, folder / name, "Ts" if part == "test" else "Tr")
        write_json(
            folder / name / "dataset.json",
            channel_names={"0": "MR"},
            labels=labels,
            numTraining=2,
            file_ending=".nii.gz",
        )


def nnunet_part(folder, part, place, split):
    move(
        scans(folder, part, labelled=part != "target"),
        lambda n: place / f"images{split}/{part}_{n:03}_0000.nii.gz",
        lambda n: place / f"labels{split}/{part}_{n:03}.nii.gz",
    )


def decathlon(folder):
    labels = {"0": "background", "1": "ball", "2": "shell"}
    source, target = folder / "Task01_T1", folder / "Task02_T2"
    move(
        scans(folder, "source"),
        lambda n: source / f"imagesTr/head_{n}.nii.gz",
        lambda n: source / f"labelsTr/head_{n}.nii.gz",
    )
    move(scans(folder, "target", labelled=False), lambda n: target / f"imagesTr/head_{n}.nii.gz")
    move(scans(folder, "test", labelled=False), lambda n: target / f"imagesTs/head_{n + 5}.nii.gz")
    write_json(
        source / "dataset.json",
        name="T1",
        modality={"0": "MRI"},
        labels=labels,
        training=[
            {"image": f"./imagesTr/head_{n}.nii.gz", "label": f"./labelsTr/head_{n}.nii.gz"}
            for n in range(2)
        ],
        test=[],
    )
    write_json(
        target / "dataset.json",
        modality={"0": "MRI"},
        labels=labels,
        training=[f"./imagesTr/head_{n}.nii.gz" for n in range(2)],
        test=["./imagesTs/head_5.nii.gz"],
    )


def bids(folder):
    place = folder / "derivatives/manual"

    def image(subject, suffix):
        return folder / f"sub-{subject}/anat/sub-{subject}_{suffix}.nii.gz"

    def label(n):
        return place / f"sub-0{n}/ses-a/anat/sub-0{n}_ses-a_ce-gad_desc-tumour_dseg.nii.gz"

    move(
        scans(folder, "source"),
        lambda n: folder / f"sub-0{n}/ses-a/anat/sub-0{n}_ses-a_ce-gad_T1w.nii.gz",
        label,
    )
    move(scans(folder, "target", labelled=False), lambda n: image(f"1{n}", "T2w"))
    move(scans(folder, "test", labelled=False), lambda n: image("20", "T2w"))
    write_json(folder / "dataset_description.json", Name="made", BIDSVersion="1.9.0")
    (place / "dseg.tsv").write_text("index\tname\n0\tbackground\n1\tball\n2\tshell\n")


def write_json(path, **content):
    path.write_text(json.dumps(content))
