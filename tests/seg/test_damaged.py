"""Plans, states and prepared cases with wrong parts, as fuzzing found them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from past_core.errors import DataError
from past_seg.nnunet.config import ResUNetConfig
from past_seg.nnunet.prepared import PreparedCases
from past_seg.nnunet.segmenter import ResUNet


@pytest.fixture
def fitted(balls):
    """Fit once more into the same folder, to a longer training or not; the segmenter."""
    cases = balls.cases(2)

    def fit(iterations=2):
        config = balls.tiny | {"iterations": iterations, "iterations_per_epoch": 1}
        segmenter = ResUNet(ResUNetConfig(**config))
        segmenter.fit(cases, balls.labels, balls.context("work"))
        return segmenter

    return fit


def configuration(plans):
    return next(iter(plans["configurations"].values()))


def arguments(plans):
    return configuration(plans)["architecture"]["arch_kwargs"]


@pytest.mark.parametrize(
    "alter",
    [
        lambda p: configuration(p).update(patch_size=["x", 4, 4]),
        lambda p: configuration(p).update(patch_size=[1 << 12] * 3),
        lambda p: configuration(p).update(spacing=[float("nan"), 1.0, 1.0]),
        lambda p: configuration(p).update(spacing=[0.0, 1.0, 1.0]),
        lambda p: p.update(transpose_forward=[0, 0, 1]),
        lambda p: arguments(p).update(features_per_stage=[1 << 40, 8]),
        lambda p: arguments(p)["strides"].append([1, 1, 1]),
        lambda p: arguments(p)["kernel_sizes"].pop(),
        lambda p: arguments(p).update(n_blocks_per_stage=None),
        lambda p: p.pop("foreground_intensity_properties_per_channel"),
    ],
)
def test_plans_with_numbers_that_none_has(fitted, balls, alter):
    segmenter = fitted()
    (balls.folder / "saved").mkdir()
    segmenter.save(balls.folder / "saved")
    for path in (balls.folder / "saved/segmenter.json", balls.folder / "work/prepared.json"):
        content = json.loads(path.read_text())
        alter(content["plans"])
        path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"segmenter\.json: not what a segmenter saves"):
        ResUNet.load(balls.folder / "saved")
    with pytest.raises(DataError, match=r"prepared\.json: not what preparing .* Delete"):
        fitted()


@pytest.mark.parametrize(
    "change", [{"labels": {"background": 0}}, {"file_ending": ".exe"}, {"channel_names": {}}]
)
def test_a_data_set_of_other_structures(fitted, balls, change):
    segmenter = fitted()
    (balls.folder / "saved").mkdir()
    segmenter.save(balls.folder / "saved")
    path = balls.folder / "saved/segmenter.json"
    content = json.loads(path.read_text())
    content["dataset"] |= change
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"segmenter\.json: not what a segmenter saves"):
        ResUNet.load(balls.folder / "saved")


def test_a_note_of_the_work_that_cannot_be_read_is_of_other_work(fitted, balls):
    fitted()
    (note,) = (balls.folder / "work").glob("work.json")
    good = note.read_text()
    for text in ("\x00", "[" * 100_000):
        note.write_text(text)
        fitted()
        assert note.read_text() == good


@pytest.mark.parametrize(
    "alter",
    [
        lambda s: s["optimizer"]["state"][0].update(exp_avg=torch.zeros(1, 2)),
        lambda s: s["optimizer"]["state"][0].pop("exp_avg_sq"),
        lambda s: s["optimizer"]["state"][0].update(exp_avg=None),
        lambda s: s["optimizer"]["state"][0].update(step=torch.zeros(3)),
        lambda s: s["optimizer"]["param_groups"][0].update(lr="x"),
        lambda s: s["optimizer"].update(state=[1]),
        lambda s: s.update(epoch=-1),
        lambda s: s.update(epoch=99),
        lambda s: s.update(rows=[1]),
        lambda s: s["schedule"].update(last_epoch="x"),
    ],
)
def test_a_state_with_parts_of_other_kinds(fitted, balls, alter):
    fitted()
    path = balls.folder / "work/checkpoint.pt"
    state = torch.load(path, weights_only=True)
    alter(state)
    torch.save(state, path)
    with pytest.raises(DataError, match=r"checkpoint\.pt: the state of another training .*Delete"):
        fitted()


def test_prepared_cases_of_other_shapes(fitted, balls):
    fitted()
    *_, place = sorted((balls.folder / "work/preprocessed").rglob("*.npz"))
    name = place.stem
    image = np.load(place.parent / name / "image.npy")
    for wrong in (image[0], image[:, 1:], image.astype(complex), image.astype("S4"), image[:, :0]):
        np.save(place.parent / name / "image.npy", wrong)
        with pytest.raises(DataError, match=r"image\.npy: not what preprocessing wrote"):
            PreparedCases(str(place.parent)).load_case(name)
    np.save(place.parent / name / "image.npy", image)
    np.savez(place, **{"1": np.zeros((2, 3), np.int64)})
    with pytest.raises(DataError, match=r"\.npz: not what preprocessing wrote"):
        PreparedCases(str(place.parent)).load_case(name)
