"""The phantom: what its images show, and where its labels lie."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from past_core.config import parse_config
from past_core.datasets.phantom.anatomy import Subject, fill
from past_core.datasets.phantom.config import PhantomConfig
from past_core.datasets.phantom.scan import scan
from past_core.errors import ConfigError

VS, COCHLEA = 1, 2


def cropped(dataset, case):
    return dataset.roi.crop(case.load_image()).data, dataset.roi.crop(case.load_label()).data


def brain_of(image):
    """Median of the crop's posterior quarter, which is cerebellum."""
    return np.median(image[:, : image.shape[1] // 4])


def test_passes_the_check_of_data_sets(phantom):
    phantom.check()
    assert phantom.name == "phantom"
    assert phantom.labels.structures == ("vs", "cochlea")


def test_numbers_are_those_of_crossmoda(phantom):
    assert [case.id for case in phantom.source] == [f"crossmoda_{n}" for n in range(1, 5)]
    assert [case.id for case in phantom.target] == [f"crossmoda_{n}" for n in range(106, 110)]
    assert [case.id for case in phantom.test] == ["crossmoda_211", "crossmoda_212"]


def test_protocols_take_turns_and_differ_in_matrix_over_one_field_of_view(phantom):
    assert [case.protocol for case in phantom.source] == [None] * 4
    assert [case.protocol for case in phantom.target] == ["448", "384", "448", "384"]
    volumes = [case.load_image() for case in phantom.target[:2]]
    assert [volume.shape for volume in volumes] == [(112, 112, 24), (96, 96, 24)]
    for volume in volumes:
        extent = np.multiply(volume.shape, volume.spacing)
        np.testing.assert_allclose(extent, (210, 210, 60), rtol=1e-5)
        assert volume.spacing[2] > volume.spacing[0]


def test_the_region_of_interest_holds_every_label_voxel(phantom):
    shapes = {"448": (56, 42, 24), "384": (48, 36, 24), None: (56, 42, 24)}
    for case in phantom.cases():
        image, label = cropped(phantom, case)
        assert image.shape == shapes[case.protocol]
        whole = case.load_label().data
        for value in (VS, COCHLEA):
            assert (label == value).sum() == (whole == value).sum() > 0


def test_each_head_has_two_cochleae_and_one_tumour(phantom):
    everywhere = np.ones((3, 3, 3))
    for case in phantom.cases():
        label = case.load_label().data
        ears, count = ndimage.label(label == COCHLEA, everywhere)
        assert count == 2, case.id
        smallest = min(int((ears == ear).sum()) for ear in (1, 2))
        assert smallest >= 40, case.id
        _, count = ndimage.label(label == VS, everywhere)
        assert count == 1, case.id


def test_the_tumour_has_a_side_and_a_size_of_its_own():
    config = PhantomConfig(matrix=56, slices=8)
    masks = [scan(config, n, "ceT1")[1].canonical().data == VS for n in range(1, 9)]
    sides = {bool(ndimage.center_of_mass(mask)[0] > 27.5) for mask in masks}
    assert sides == {True, False}
    assert len({int(mask.sum()) for mask in masks}) > 5


def test_contrast_agent_lights_the_tumour_and_leaves_the_cochlea_dark(phantom):
    for case in phantom.source:
        image, label = cropped(phantom, case)
        brain = brain_of(image)
        assert image[label == VS].mean() > 1.8 * brain
        assert image[label == COCHLEA].mean() < 0.6 * brain


def test_t2_weighting_lights_the_cochlea_and_leaves_the_tumour_between(phantom):
    for case in (*phantom.target, *phantom.test):
        image, label = cropped(phantom, case)
        brain, tumour, cochlea = (
            brain_of(image),
            image[label == VS].mean(),
            image[label == COCHLEA].mean(),
        )
        assert cochlea > 2 * brain
        assert 1.2 * brain < tumour < 0.9 * cochlea


def test_the_protocols_show_brain_differently_against_fluid(phantom):
    contrast = {}
    for case in phantom.target:
        image, label = cropped(phantom, case)
        contrast.setdefault(case.protocol, []).append(
            brain_of(image) / image[label == COCHLEA].mean()
        )
    assert min(contrast["448"]) > 1.3 * max(contrast["384"])


def test_no_two_scans_show_one_subject(phantom):
    labels = [
        case.load_label().data for case in phantom.cases() if case.load_label().shape[0] == 112
    ]
    for n, one in enumerate(labels):
        for other in labels[n + 1 :]:
            assert (one != other).any()


def test_a_scan_depends_on_seed_and_number_only():
    small, large = (PhantomConfig(matrix=56, slices=8, test=count) for count in (1, 30))
    image, label = scan(small, 107, "384")
    again, label_again = scan(large, 107, "384")
    np.testing.assert_array_equal(image.data, again.data)
    np.testing.assert_array_equal(label.data, label_again.data)
    for config, number in ((small, 108), (small.model_copy(update={"seed": 5}), 107)):
        assert (scan(config, number, "384")[1].data != label.data).any()


def test_one_subject_looks_the_same_at_another_resolution():
    coarse, fine = (scan(PhantomConfig(matrix=matrix), 3, "ceT1")[1] for matrix in (112, 224))
    for value in (VS, COCHLEA):
        volumes = [(label.data == value).sum() * np.prod(label.spacing) for label in (coarse, fine)]
        assert volumes[0] == pytest.approx(volumes[1], rel=0.08)
        centres = [
            label.affine[:3, :3] @ ndimage.center_of_mass(label.data == value) + label.affine[:3, 3]
            for label in (coarse, fine)
        ]
        np.testing.assert_allclose(*centres, atol=0.5)


def test_tissues_lie_in_space_whichever_way_the_array_runs():
    axes = [np.linspace(-100, 100, 60), np.linspace(-100, 100, 60), np.linspace(-28, 28, 12)]
    subject = Subject.draw(np.random.default_rng(0))
    forth = fill(subject, tuple(axes))
    back = fill(subject, tuple(axis[::-1] for axis in axes))
    np.testing.assert_array_equal(forth, back[::-1, ::-1, ::-1])


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"matrix": 100}, "dataset.phantom.matrix: Input should be a multiple of 28, got 100"),
        ({"source": 1}, "dataset.phantom.source: Input should be greater than or equal to 2"),
        ({"target": 200}, "dataset.phantom.target: Input should be less than or equal to 105"),
        ({"protocols": ["512"]}, "Input should be '448' or '384', got '512'"),
        ({"protocols": ["448", "448"]}, "a protocol is named twice"),
        ({"protocols": []}, "dataset.phantom.protocols"),
        ({"tumours": 3}, "dataset.phantom.tumours: unknown key. Known keys: matrix, noise"),
    ],
)
def test_wrong_settings_are_named_with_what_is_allowed(values, named):
    with pytest.raises(ConfigError) as error:
        parse_config(PhantomConfig, values, "dataset.phantom")
    assert named in str(error.value)
