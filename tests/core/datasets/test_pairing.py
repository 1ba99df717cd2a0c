"""Which label goes with which image."""

from pathlib import Path

import pytest

from past_core.datasets.pairing import pair


def files(*names):
    return [Path("folder") / name for name in names]


def named(pairing):
    return {image.name: label.name for image, label in pairing.labels.items()}


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (["b.nii.gz", "a.nii.gz"], ["b.nii", "a.nii.gz"]),
        (["P01_ceT1.nii.gz", "P10_ceT1.nii.gz"], ["P01-seg.nii", "P10-seg.nii"]),
        (["a_0000.nii.gz", "b_0000.nii.gz"], ["a.nii.gz", "b.nii.gz"]),
        (["t1.001.nii.gz", "t1.002.nii.gz"], ["seg 001.nii.gz", "seg 002.nii.gz"]),
        (["sub-1_ses-2_T1w.nii", "sub-2_ses-1_T1w.nii"], ["sub-1_dseg.nii", "sub-2_dseg.nii"]),
        (["A_20240101.nii", "B_20240202.nii"], ["A_seg.nii", "B_seg.nii"]),
        (["scan.nii"], ["truth.nii"]),
        (["P1_x.nii", "P1.nii"], ["P1_x.nii", "P1.nii"]),
        (["T1 of ann.nii", "T1 of bob.nii"], ["seg_ann.nii", "seg_bob.nii"]),
    ],
)
def test_labels_find_their_images(images, labels):
    pairing = pair(files(*images), files(*labels))
    assert named(pairing) == dict(zip(images, labels, strict=True))
    assert pairing.unclear == {}


def test_fewer_labels_than_images_are_no_problem():
    pairing = pair(files("x_1_1.nii", "x_1_2.nii", "x_2_1.nii"), files("x_1_1_seg.nii"))
    assert named(pairing) == {"x_1_1.nii": "x_1_1_seg.nii"}
    assert pairing.unclear == {}


@pytest.mark.parametrize(
    ("labels", "unclear"),
    [
        (["c_seg.nii", "a_seg.nii"], {"c_seg.nii": []}),
        (["x_a_b.nii", "x_b.nii"], {"x_a_b.nii": ["a.nii", "b.nii"]}),
        (["a.nii", "a_seg.nii"], {"a_seg.nii": ["a.nii"]}),
    ],
)
def test_what_cannot_be_told_is_said(labels, unclear):
    pairing = pair(files("a.nii", "b.nii"), files(*labels))
    said = {label.name: [one.name for one in images] for label, images in pairing.unclear.items()}
    assert said == unclear


def test_a_word_within_a_word_is_no_name():
    pairing = pair(files("case1.nii", "case2.nii"), files("case10_seg.nii", "case20_seg.nii"))
    assert named(pairing) == {}
    assert len(pairing.unclear) == 2
