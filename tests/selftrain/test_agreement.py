"""Agreement of teachers: weights of voxels and of scans."""

from __future__ import annotations

import numpy as np
import pytest

from past_core import ConfigError
from past_core.case import Domain
from past_core.config import parse_config
from past_selftrain.agreement import Agreement, AgreementConfig, agreement_of


def select(predictions, labels, **values):
    strategy = Agreement(parse_config(AgreementConfig, values, "strategy"))
    return {one.case_id: one for one in strategy.select(predictions, labels, 1)}


def sure(classes):
    """Probabilities 0.8 of these classes, as float16."""
    hot = np.eye(3)[np.asarray(classes)].transpose(3, 0, 1, 2)
    return (0.1 + 0.7 * hot).astype(np.float16)


def test_where_teachers_differ_the_mean_labels_with_half_the_weight(write, softmax_of, labels):
    first, second = (softmax_of(n, 3, np.float16) for n in (1, 2))
    found = select([write("a", first, second)], labels)["a"]
    differ = first.argmax(axis=0) != second.argmax(axis=0)
    assert 0.1 < differ.mean() < 0.9
    mean = (first.astype(np.float32) + second) / 2
    assert np.array_equal(found.label, mean.argmax(axis=0))
    assert np.array_equal(found.voxel_weights, np.where(differ, 0.5, 1))
    other = select([write("b", first, second)], labels, differing=0.25)["b"]
    assert np.array_equal(other.voxel_weights, np.where(differ, 0.25, 1))


def test_without_weight_what_differs_is_ignored(write, softmax_of, labels):
    first, second = (softmax_of(n, 3, np.float16) for n in (1, 2))
    found = select([write("a", first, second)], labels, differing=0)["a"]
    differ = first.argmax(axis=0) != second.argmax(axis=0)
    assert np.array_equal(found.label == labels.ignore, differ)
    assert found.voxel_weights is None


def test_scans_of_a_domain_weigh_by_the_agreement_on_structures(write, labels):
    """Finds agreement on background counted, and domains mixed."""
    base = np.zeros((1, 10, 10), int)
    base[0, 0] = 1
    shares = {"source0": 1.0, "source1": 0.2, "target0": 0.5, "target1": 0.0, "target2": 0.3}
    predictions = []
    for name, share in shares.items():
        other = base.copy()
        other[0, 0, int(10 * share) :] = 0
        predictions.append(write(name, sure(base), sure(other), domain=Domain(name[:6])))
    weights = {name: one.scan_weight for name, one in select(predictions, labels).items()}
    assert weights == pytest.approx(
        {"source0": 1.01, "source1": 0.01, "target0": 1.01, "target1": 0.01, "target2": 0.61}
    )
    alike = select(predictions, labels, scans="alike")
    assert {one.scan_weight for one in alike.values()} == {1.0}


@pytest.mark.parametrize("order", [1, -1])
def test_agreement_is_of_what_any_teacher_takes_for_a_structure(write, labels, order):
    """Finds voxels of background counted, and those that only the second teacher finds."""
    few = np.zeros((1, 5, 5), int)
    few[0, 0, :3] = 1
    many = few.copy()
    many[0, 1:3] = 2
    assert agreement_of(write("a", *[sure(few), sure(many)][::order]), labels) == 3 / 13


def test_scans_on_which_teachers_agree_alike_weigh_alike(write, labels):
    base = np.zeros((1, 4, 4), int)
    base[0, 0, 0] = 2
    predictions = [write(name, sure(base), sure(base)) for name in "ab"]
    assert {one.scan_weight for one in select(predictions, labels).values()} == {1.0}


def test_a_scan_without_any_structure_weighs_least(write, labels):
    empty = np.zeros((1, 4, 4), int)
    full = empty.copy()
    full[0, 0, 0] = 1
    predictions = [write("a", sure(empty), sure(empty)), write("b", sure(full), sure(full))]
    found = select(predictions, labels)
    assert [one.scan_weight for one in found.values()] == pytest.approx([0.01, 1.01])


def test_three_teachers_agree_only_all_together(write, labels):
    base = np.ones((1, 2, 2), int)
    other = base.copy()
    other[0, 0, 0] = 2
    found = select([write("a", sure(base), sure(other), sure(base))], labels)["a"]
    assert found.label[0, 0, 0] == 1
    assert found.voxel_weights.sum() == 3.5


def test_one_teacher_alone_is_refused_with_the_remedy(write, softmax_of, labels):
    with pytest.raises(ConfigError, match=r"case a has one teacher.*Name two in the round"):
        select([write("a", softmax_of(0, 1, np.float16))], labels)
