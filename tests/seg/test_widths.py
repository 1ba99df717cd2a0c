"""How wide the narrowest structure is, in mm."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from past_core.case import Case, Domain
from past_core.labels import Labels
from past_seg.nnunet.widths import narrowest_width

LABELS = Labels(("block", "wall"))


def case_of(folder, name, label, spacing=(1.0, 1.0, 1.0)):
    path = folder / f"{name}_label.nii.gz"
    nib.save(nib.Nifti1Image(label.astype(np.uint8), np.diag([*spacing, 1.0])), path)
    return Case(name, Domain.SOURCE, path, path)


def blank():
    return np.zeros((24, 24, 24))


def test_a_structure_is_as_wide_as_its_largest_ball(tmp_path):
    label = blank()
    label[2:17, 2:13, 2:11] = 1
    assert narrowest_width([case_of(tmp_path, "a", label)], LABELS) == pytest.approx(9)


@pytest.mark.parametrize(("slices", "width"), [(9, 7.5), (1, 3.3)])
def test_widths_are_in_mm(tmp_path, slices, width):
    label = blank()
    label[2:17, 2:17, 2 : 2 + slices] = 1
    case = case_of(tmp_path, "a", label, spacing=(1.0, 0.5, 3.3))
    assert narrowest_width([case], LABELS) == pytest.approx(width)


def test_a_wall_is_as_wide_as_it_is_thick_and_the_narrowest_counts(tmp_path):
    label = blank()
    label[2:14, 2:14, 2:14] = 1
    label[18:21] = 2
    assert narrowest_width([case_of(tmp_path, "a", label)], LABELS) == pytest.approx(3)


def test_of_cases_the_median_counts_where_the_structure_is(tmp_path):
    cases = []
    for number, width in enumerate([3, 7, 9]):
        label = blank()
        label[2 : 2 + width, 2:20, 2:20] = 1
        cases.append(case_of(tmp_path, f"c{number}", label))
    cases.append(case_of(tmp_path, "none", blank()))
    assert narrowest_width(cases, LABELS) == pytest.approx(7)


def test_without_a_structure_there_is_no_width(tmp_path):
    assert narrowest_width([case_of(tmp_path, "a", blank())], LABELS) is None


def test_a_structure_at_the_rim_of_the_scan_is_as_wide_as_what_is_seen_of_it(tmp_path):
    label = blank()
    label[:5] = 1
    assert narrowest_width([case_of(tmp_path, "a", label)], LABELS) == pytest.approx(5)
