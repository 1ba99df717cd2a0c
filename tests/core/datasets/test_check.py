"""``Dataset.check`` on real files: every kind of wrong volume, all at once."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from past_core.datasets.datalist import DatalistConfig, DatalistReader
from past_core.errors import DataError
from past_core.roi import ROI
from past_core.volume import Volume, load_volume, save_volume


@pytest.fixture
def dataset(datalist_folder):
    return DatalistReader(DatalistConfig()).open(datalist_folder)


def problems_of(dataset):
    with pytest.raises(DataError) as error:
        dataset.check()
    first, *lines = str(error.value).splitlines()
    count = f"{len(lines)} problem{'s' if len(lines) > 1 else ''}"
    assert first == f"data set small: {count}"
    return lines


def save(path, data, affine):
    nib.save(nib.Nifti1Image(data, affine), path)


def test_a_sound_data_set_passes(dataset):
    dataset.check()


def test_a_label_of_another_shape_is_named_with_both_shapes(dataset, write):
    path = dataset.source[0].label
    write.label(path, (8, 8, 5))
    (line,) = problems_of(dataset)
    assert line.startswith(f"{path}: the label lies on another grid")
    assert "(8, 8, 5) against (8, 8, 4)" in line
    assert "Resample the label" in line


def test_a_label_with_another_affine_is_named(dataset, write):
    path = dataset.source[1].label
    moved = write.affine.copy()
    moved[0, 3] += 5
    write.label(path, affine=moved)
    (line,) = problems_of(dataset)
    assert line.startswith(f"{path}: the label lies on another grid")
    assert "another affine" in line


def test_undeclared_label_values_are_named_with_the_declared(dataset, write):
    path = dataset.test[0].label
    write.label(path, values=(0, 1, 2, 3, 9))
    (line,) = problems_of(dataset)
    assert line.startswith(f"{path}: label values [3.0, 9.0] are not declared")
    assert "{'background': 0, 'ball': 1, 'shell': 2}" in line


def test_voxels_that_are_no_numbers_are_counted(dataset, write):
    path = dataset.target[0].image
    data = np.random.default_rng(0).random(write.shape).astype(np.float32)
    data[0, 0, 0], data[1, 1, 1] = np.nan, np.inf
    save(path, data, write.affine)
    (line,) = problems_of(dataset)
    assert line.startswith(f"{path}: 2 voxels are NaN or infinite.")


def test_a_constant_image_is_named_with_its_value(dataset, write):
    path = dataset.target[1].image
    save(path, np.full(write.shape, 7, np.int16), write.affine)
    (line,) = problems_of(dataset)
    assert line.startswith(f"{path}: every voxel is 7.0.")


def test_a_series_of_volumes_is_named_with_its_shape(dataset, write):
    path = dataset.test[0].image
    save(path, np.zeros((*write.shape, 3), np.int16), write.affine)
    (line,) = problems_of(dataset)
    assert line.startswith(f"{path}: expected a 3D volume, found shape (8, 8, 4, 3).")


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii"])
def test_a_truncated_file_is_named(dataset, write, suffix):
    path = dataset.source[0].image.with_name(f"cut{suffix}")
    write.image(path, (32, 32, 16))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    case = replace(dataset.target[0], id="cut", image=path)
    (line,) = problems_of(replace(dataset, target=(case, *dataset.target)))
    assert line.startswith(f"{path}: ")
    assert "truncated or damaged; copy it again" in line


def test_a_file_that_is_no_nifti_is_named(dataset):
    path = dataset.source[0].image
    path.write_bytes(gzip.compress(b"a photograph, honestly"))
    (line,) = problems_of(dataset)
    assert line.startswith(f"{path}: not a readable NIfTI file")


def test_parts_that_are_too_small_are_named(dataset):
    small = replace(dataset, source=dataset.source[:1], target=(), test=())
    lines = problems_of(small)
    assert lines == [
        "source: 1 case(s), but training needs at least 2.",
        "target: 0 case(s), but training needs at least 2.",
        "test: no case to segment. Add at least one target scan.",
    ]


def test_doubled_ids_and_unlabelled_sources_are_named(dataset):
    unlabelled = replace(dataset.source[0], label=None)
    doubled = replace(dataset.target[0], id="t2")
    lines = problems_of(
        replace(
            dataset,
            source=(unlabelled, dataset.source[1]),
            target=(doubled, dataset.target[1]),
        )
    )
    assert lines == [
        f"{unlabelled.image}: a source case without a label. Add it, or remove the image.",
        f"{dataset.target[1].image}: a second case is named t2. Rename one of them.",
    ]


def test_all_problems_are_listed_at_once(dataset, write):
    write.label(dataset.source[0].label, (8, 8, 5))
    write.label(dataset.source[1].label, values=(0, 4))
    save(dataset.target[0].image, np.full(write.shape, np.nan, np.float32), write.affine)
    save(dataset.target[1].image, np.ones(write.shape, np.int16), write.affine)
    dataset.test[0].image.unlink()
    lines = problems_of(dataset)
    assert len(lines) == 5
    assert lines[-1].startswith(f"{dataset.test[0].image}: no such file.")


def test_oblique_and_flipped_affines_pass_and_come_back_exactly(dataset, write):
    angle = np.deg2rad(20)
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([-1.5, 2.0, 3.0])[:, [1, 0, 2]]
    case = dataset.source[0]
    data = np.random.default_rng(1).integers(0, 99, write.shape).astype(np.int16)
    save_volume(Volume(data, affine), case.image)
    write.label(case.label, affine=affine)
    dataset.check()
    volume = case.load_image()
    np.testing.assert_allclose(volume.spacing, (2.0, 1.5, 3.0), rtol=1e-5)
    restored = volume.canonical().oriented_like(volume.affine)
    np.testing.assert_array_equal(restored.data, data)
    np.testing.assert_allclose(restored.affine, volume.affine)


def test_a_validation_scan_needs_a_label_and_may_be_a_target_scan(dataset):
    shared = replace(dataset, validation=(dataset.target[0],))
    assert problems_of(shared) == [
        f"{dataset.target[0].image}: a validation case without a label. Add it, or remove the "
        "image."
    ]
    twice = replace(dataset, validation=dataset.test[:1])
    assert problems_of(twice) == [
        f"{dataset.test[0].image}: is to be scored twice. List it as test or as validation."
    ]
    doubled = replace(dataset, validation=(replace(dataset.source[0], domain="target"),))
    assert problems_of(doubled) == [
        f"{dataset.source[0].image}: a second case is named {dataset.source[0].id}. Rename one of "
        "them."
    ]


def with_roi(dataset, lower, upper=(1, 1, 1)):
    return replace(dataset, roi=ROI(lower, upper))


def test_a_structure_that_no_source_label_holds_is_named(dataset, write):
    for case in dataset.source:
        write.label(case.label, values=(0, 1))
    (line,) = problems_of(dataset)
    name = dataset.labels.structures[1]
    assert line.startswith(f"source: no label holds {name} (value 2), so nothing can learn it.")


def test_a_region_that_leaves_out_all_of_a_structure_is_said(dataset):
    for case in dataset.source:
        label = load_volume(case.label, np.uint8)
        left = label.canonical()
        half = left.data[: left.shape[0] // 2]
        half[half == 2] = 1
        save_volume(Volume(left.oriented_like(label.affine).data, label.affine), case.label)
    lines = problems_of(with_roi(dataset, (0, 0, 0), (0.5, 1, 1)))
    name = dataset.labels.structures[1]
    assert [line for line in lines if name in line] == [
        f"source: the region of interest leaves out all of {name} (value 2) in every label. Move "
        "or widen the region (roi)."
    ]


def test_a_region_of_a_single_slice_is_refused(dataset):
    lines = problems_of(with_roi(dataset, (0, 0, 0), (1, 1, 0.25)))
    assert len(lines) == len(list(dataset.cases()))
    assert all("x 1 voxels are in the region of interest, too few" in line for line in lines)


def test_a_region_without_contrast_is_refused(dataset, write):
    case = dataset.target[0]
    volume = case.load_image()
    volume.data[...] = 3
    volume.data.flat[0] = 9
    save_volume(volume, case.image)
    (line,) = problems_of(with_roi(dataset, (0, 0, 0), (0.5, 1, 1)))
    assert line.startswith(f"{case.image}: every voxel in the region of interest is 3.")


def test_no_more_than_ten_problems_are_listed(dataset):
    missing = tuple(
        replace(dataset.target[0], id=f"y{n}", image=Path(f"/no/{n}.nii")) for n in range(2000)
    )
    spoilt = replace(dataset, target=missing)
    with pytest.raises(DataError) as caught:
        spoilt.check()
    lines = str(caught.value).splitlines()
    assert lines[0] == "data set small: 2000 problems"
    assert len(lines) == 12
    assert lines[-1] == "... and 1990 more"
