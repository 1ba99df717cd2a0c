"""Structures of several models in one label map."""

import numpy as np
import pytest

from past_core.labels import Labels
from past_core.pipeline.work.answer import Answers, join

LABELS = Labels(("vs", "cochlea"))


def answer(*voxels):
    """Probabilities of background, vs and cochlea, a voxel each, in one row."""
    probabilities = np.array(voxels, np.float32).T[:, :, None, None]
    return probabilities.argmax(axis=0).astype(np.uint8), probabilities


def joined(vs, cochlea):
    return join({"vs": answer(*vs), "cochlea": answer(*cochlea)}, LABELS)[:, 0, 0].tolist()


BACK, VS, COCHLEA = (0.8, 0.1, 0.1), (0.2, 0.7, 0.1), (0.1, 0.1, 0.8)


def test_each_structure_is_where_its_own_model_sees_it():
    assert joined([VS, BACK, COCHLEA], [BACK, COCHLEA, BACK]) == [1, 2, 0]


def test_of_two_claims_the_likelier_one_wins():
    assert joined([VS, (0.05, 0.9, 0.05)], [COCHLEA, COCHLEA]) == [2, 1]


def test_of_equal_claims_the_first_structure_wins():
    assert joined([(0.2, 0.8, 0.0)], [(0.2, 0.0, 0.8)]) == [1]


class Said:
    """A prediction that is there."""

    def __init__(self, *voxels):
        self.found = answer(*voxels)

    def classes(self):
        return self.found[0]

    def probabilities(self):
        return self.found[1]


def test_probabilities_of_structures_are_those_of_their_own_models():
    predictions = {"a": Said((0.2, 0.7, 0.1), (0.1, 0.8, 0.1)), "b": Said((0.5, 0.2, 0.3), COCHLEA)}
    found = Answers({"vs": ["a"], "cochlea": ["b"]}, predictions, LABELS).probabilities()
    first, second = found[:, :, 0, 0].T
    np.testing.assert_allclose(first, (0, 0.7, 0.3), atol=1e-6)
    np.testing.assert_allclose(second, (0, 0.5, 0.5), atol=1e-6)  # both are sure of it


@pytest.fixture
def averaged(run, request_of, systems_of, stage_of):
    systems = systems_of("""
        [[model]]
        name = "a"
        segmenter = "bayes"
        images = [{ from = "source" }]
        [[model]]
        name = "b"
        segmenter = "smooth"
        seeds = [0, 1]
        images = [{ from = "source" }]
        [[system]]
        name = "mean"
        use = ["a", "b#1"]
        [[system]]
        name = "alone"
        use = "a"
    """)
    plain = {"translator": None, "segmenter": None, "strategy": None}
    result, observed = run(request_of(systems=systems, **plain))
    return result, observed, lambda name: stage_of(result, name)


def test_several_models_are_averaged(averaged):
    from past_core.volume import load_volume

    result, observed, folder = averaged
    scan = "crossmoda_211"
    names = ("predict-a-on-448", "predict-b-s1-on-448")
    each = [np.load(folder(name) / f"{scan}_probabilities.npy") for name in names]
    mean = np.mean([one.astype(np.float32) for one in each], axis=0)
    whole = load_volume(folder("combine-mean") / f"{scan}_label.nii.gz", np.uint8)
    cropped = result.roi.crop(whole).data
    np.testing.assert_array_equal(cropped, mean.argmax(axis=0))
    assert any((cropped != one.argmax(axis=0)).any() for one in each)
    assert "fit-b-s0" not in observed.ran, "nothing asks for that seed"
