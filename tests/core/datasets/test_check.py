"""``Dataset.check`` on real files: every kind of wrong volume, all at once."""

from __future__ import annotations

import gzip
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from past_core.datasets.datalist import DatalistConfig, DatalistReader
from past_core.errors import DataError
from past_core.volume import Volume, save_volume


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
