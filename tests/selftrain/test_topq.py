"""Top-q over a set of cases."""

from __future__ import annotations

import logging
import math
import tracemalloc

import numpy as np
import pytest

from past_core import ConfigError, DataError, Labels
from past_core.config import parse_config
from past_selftrain import confidence as reading
from past_selftrain.topq import TopQ, TopQConfig


def top_q(**values) -> TopQ:
    return TopQ(parse_config(TopQConfig, values, "strategy"))


def select(strategy, predictions, labels, round_number=1):
    return {one.case_id: one.label for one in strategy.select(predictions, labels, round_number)}


def by_sorting(probabilities, portion, ignore):
    """Algorithm 1's selection, written with all voxels in memory."""
    predicted = [p.argmax(axis=0) for p in probabilities]
    confidence = [p.max(axis=0) for p in probabilities]
    cuts = np.full(ignore, np.inf)
    for label in range(ignore):
        pooled = np.concatenate([c[p == label] for p, c in zip(predicted, confidence, strict=True)])
        if pooled.size:
            count = math.ceil(round(portion * pooled.size, 6))
            cuts[label] = np.sort(pooled)[::-1][count - 1]
    return [np.where(c >= cuts[p], p, ignore) for p, c in zip(predicted, confidence, strict=True)]


@pytest.mark.parametrize("scale", [1, 5, 30])
@pytest.mark.parametrize("q", [0.2, 0.6, 1.0])
def test_float16_selection_equals_sorting_all_voxels(write, softmax_of, labels, scale, q):
    arrays = [softmax_of(seed, scale, np.float16) for seed in range(3)]
    found = select(top_q(q=q), [write(f"c{n}", a) for n, a in enumerate(arrays)], labels)
    for one, wanted in zip(found.values(), by_sorting(arrays, q, labels.ignore), strict=True):
        assert one.dtype == np.uint8
        assert np.array_equal(one, wanted)


def test_cases_come_in_order_with_their_own_shapes(write, softmax_of, labels):
    shapes = {"b": (4, 5, 6), "a": (7, 3, 2), "c": (1, 1, 9)}
    predictions = [
        write(name, softmax_of(n, 3, np.float32, shape))
        for n, (name, shape) in enumerate(shapes.items())
    ]
    found = [(one.case_id, one.label.shape) for one in top_q().select(predictions, labels, 1)]
    assert found == list(shapes.items())


def test_the_slab_size_does_not_change_the_result(write, softmax_of, labels, monkeypatch):
    predictions = [write("a", softmax_of(1, 3, np.float32))]
    whole = select(top_q(), predictions, labels)["a"]
    monkeypatch.setattr(reading, "SLAB_VOXELS", 1)
    assert np.array_equal(select(top_q(), predictions, labels)["a"], whole)


def test_quantiles_are_over_the_set_so_a_sure_case_gives_more_than_a_doubtful_one(
    write, softmax_of, labels
):
    predictions = [
        write("doubtful", softmax_of(0, 1, np.float32)),
        write("sure", softmax_of(1, 8, np.float32)),
    ]
    kept = {
        name: (one != labels.ignore).mean()
        for name, one in select(top_q(q=0.5), predictions, labels).items()
    }
    assert kept["sure"] > 0.8
    assert kept["doubtful"] < 0.2


def test_scope_class_and_case_keeps_the_portion_in_each_case(write, softmax_of, labels):
    predictions = [
        write("doubtful", softmax_of(0, 1, np.float32)),
        write("sure", softmax_of(1, 8, np.float32)),
    ]
    for one in select(top_q(q=0.5, scope="class-and-case"), predictions, labels).values():
        assert (one != labels.ignore).mean() == pytest.approx(0.5, abs=0.01)


def test_background_does_not_set_a_structures_threshold(write, labels):
    structures = np.zeros((3, 10, 20, 20), np.float32)
    structures[0] = 0.9999
    structures[1] = 0.0001
    sure = np.linspace(0.51, 0.6, 20)
    structures[:, 0, 0] = np.stack([1 - sure, sure, np.zeros(20)])
    found = select(top_q(q=0.6), [write("a", structures)], labels)["a"]
    assert (found == 1).sum() == 12
    assert (found[0, 0] == 1).sum() == 12


def test_a_class_that_is_never_predicted_is_named_and_the_rest_goes_on(
    write, softmax_of, labels, caplog
):
    array = softmax_of(0, 3, np.float32)
    array[0] += array[2]
    array[2] = 0
    with caplog.at_level(logging.WARNING):
        found = select(top_q(), [write("a", array)], labels)["a"]
    assert set(np.unique(found)) == {0, 1, labels.ignore}
    assert "cochlea was predicted nowhere" in caplog.text


def test_the_log_names_threshold_and_portion_of_every_class(write, softmax_of, labels, caplog):
    array = softmax_of(0, 3, np.float32)
    with caplog.at_level(logging.INFO):
        found = select(top_q(q=0.6), [write("a", array)], labels, 2)["a"]
    predicted = array.argmax(axis=0)
    for name, value in labels.as_mapping().items():
        kept, total = int((found == value).sum()), int((predicted == value).sum())
        line = next(m for m in caplog.messages if f": {name} from confidence" in m)
        assert f"{kept} of {total} voxels" in line
        assert "round 2, q = 0.6" in line


def test_voxels_that_tie_at_exactly_one_are_all_kept(write, labels):
    array = np.zeros((3, 4, 5, 5), np.float16)
    array[0] = 1
    array[:, 0] = np.array([0.25, 0.75, 0])[:, None, None]
    found = select(top_q(q=0.1), [write("a", array)], labels)["a"]
    assert (found[1:] == 0).all()
    assert (found[0] == 1).all()


def test_equal_probabilities_go_to_the_lower_class(write):
    array = np.full((2, 2, 2, 2), 0.5, np.float16)
    assert (select(top_q(), [write("a", array)], Labels(("vs",)))["a"] == 0).all()


def test_q_grows_by_its_step_up_to_its_maximum(write, softmax_of, labels):
    strategy = top_q(q=0.2, q_step=0.3, q_max=0.6)
    predictions = [write("a", softmax_of(0, 2, np.float32))]
    kept = [
        (select(strategy, predictions, labels, k)["a"] != labels.ignore).mean() for k in (1, 2, 3)
    ]
    assert kept == pytest.approx([0.2, 0.5, 0.6], abs=0.005)


def test_a_cap_keeps_everything_that_confident(write, softmax_of, labels):
    array = softmax_of(0, 3, np.float32)
    found = select(top_q(q=0.1, cap=0.9), [write("a", array)], labels)["a"]
    assert (found[array.max(axis=0) >= 0.9] != labels.ignore).all()


def test_islands_of_a_single_piece_structure_are_ignored_and_do_not_set_its_threshold(
    write, labels
):
    confidence = np.full((8, 8, 8), 0.9)
    array = np.stack([confidence, 1 - confidence, 0 * confidence])
    places = [
        (np.s_[0:3, 0:3, 0:3], 0.8),  # the tumour: 27 voxels
        (np.s_[3:4, 3:4, 3:4], 0.8),  # touches its corner: part of it
        (np.s_[6:8, 6:8, 6:8], 0.99),  # an island of 8, more confident
    ]
    for box, value in places:
        array[:, *box] = np.array([1 - value, value, 0])[:, None, None, None]
    prediction = write("a", array.astype(np.float32))
    found = select(top_q(q=0.5, largest_component=["vs"]), [prediction], labels)["a"]
    assert (found == 1).sum() == 28
    assert found[3, 3, 3] == 1
    assert (found[6:8, 6:8, 6:8] == labels.ignore).all()
    unfiltered = select(top_q(q=0.2), [prediction], labels)["a"]
    assert (unfiltered == 1).sum() == 8


def test_memory_does_not_grow_with_the_number_of_cases(write, softmax_of, labels):
    shape = (48, 48, 40)
    predictions = [write(f"c{n}", softmax_of(n, 5, np.float16, shape)) for n in range(12)]

    def peak(count):
        tracemalloc.start()
        try:
            for _ in top_q(largest_component=["vs"]).select(predictions[:count], labels, 1):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)  # what is allocated once only
    assert peak(12) == pytest.approx(peak(2), rel=0.05)


def test_memory_grows_by_less_than_three_bytes_a_voxel_of_one_case(write, labels):
    """Beyond the slab: the label and the parts that it is joined from."""

    def peak(length):
        array = np.zeros((3, length, 128, 128), np.float16)
        array[0] = 1
        prediction = write(f"c{length}", array)
        del array
        tracemalloc.start()
        try:
            select(top_q(), [prediction], labels)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(320) - peak(80) < 3 * 240 * 128 * 128


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"q": 0}, "strategy.q: .*greater than 0, got 0"),
        ({"q": 1.5}, "strategy.q: .*less than or equal to 1, got 1.5"),
        ({"q": 0.8, "q_max": 0.5}, r"q \(0.8\) is above q_max \(0.5\)"),
        ({"scope": "image"}, "strategy.scope: .*'class', 'class-and-domain' or 'class-and-case'"),
        ({"rim_q": 0.5}, r"rim_q \(0.5\) needs a rim"),
        ({"scans": 0}, "strategy.scans: .*greater than 0, got 0"),
        ({"top": 0.5}, "strategy.top: unknown key. Known keys: cap, .*q_step"),
    ],
)
def test_wrong_settings_name_key_value_and_what_is_allowed(values, message):
    with pytest.raises(ConfigError, match=message):
        top_q(**values)


def test_a_component_filter_for_an_unknown_structure_names_the_known_ones(
    write, softmax_of, labels
):
    with pytest.raises(ConfigError, match=r"largest_component names tumour.*vs, cochlea"):
        select(
            top_q(largest_component=["tumour"]), [write("a", softmax_of(0, 1, np.float16))], labels
        )


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda p: p * 20, "must lie between 1/3 and 1"),
        (lambda p: np.where(p > 0.9, np.nan, p), "NaN"),
        (lambda p: p[:2], r"expected probabilities of shape \(3, i, j, k\).*found \(2,"),
        (lambda p: p[:, 0], "expected probabilities of shape"),
    ],
)
def test_what_is_no_probability_map_is_refused_by_file_name(
    write, softmax_of, labels, spoil, message
):
    good = write("good", softmax_of(0, 3, np.float32))
    bad = write("bad", spoil(softmax_of(1, 3, np.float32)))
    with pytest.raises(DataError, match=rf"bad-0\.npy: .*{message}"):
        select(top_q(), [good, bad], labels)


def test_a_truncated_prediction_is_refused_by_file_name(write, softmax_of, labels):
    prediction = write("a", softmax_of(0, 3, np.float32))
    prediction.paths[0].write_bytes(prediction.paths[0].read_bytes()[:1000])
    with pytest.raises(DataError, match=r"a-0\.npy: .*Delete it and predict again"):
        select(top_q(), [prediction], labels)


def test_a_missing_prediction_is_refused_by_file_name(write, softmax_of, labels):
    prediction = write("a", softmax_of(0, 3, np.float32))
    prediction.paths[0].unlink()
    with pytest.raises(DataError, match=r"a-0\.npy"):
        select(top_q(), [prediction], labels)
