"""Domains, rims, ties, scans and teachers: each against a plain count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from past_core import DataError, Labels
from past_core.case import Domain
from past_core.config import parse_config
from past_core.interfaces import Prediction
from past_selftrain import confidence as reading
from past_selftrain.cuts import Cuts
from past_selftrain.histogram import ConfidenceHistograms
from past_selftrain.strata import Strata, Stratum
from past_selftrain.topq import TopQ, TopQConfig


def select(predictions, labels, round_number=1, **values):
    strategy = TopQ(parse_config(TopQConfig, values, "strategy"))
    return {one.case_id: one for one in strategy.select(predictions, labels, round_number)}


def kept_of(label, predicted, value):
    """Kept and predicted voxels of a class."""
    return int((label == value).sum()), int((predicted == value).sum())


def test_by_domain_each_domain_keeps_its_portion_of_each_class(write, softmax_of, labels):
    """Finds thresholds of the whole set, where sure translations starve the target."""
    arrays = {
        Domain.SOURCE: [softmax_of(n, 8, np.float32) for n in range(2)],
        Domain.TARGET: [softmax_of(10 + n, 1, np.float32) for n in range(2)],
    }
    predictions = [
        write(f"{domain}{n}", array, domain=domain)
        for domain, some in arrays.items()
        for n, array in enumerate(some)
    ]
    found = select(predictions, labels, q=0.5, scope="class-and-domain")
    for domain, some in arrays.items():
        for value in range(labels.count):
            counts = [
                kept_of(found[f"{domain}{n}"].label, array.argmax(axis=0), value)
                for n, array in enumerate(some)
            ]
            kept, predicted = np.sum(counts, axis=0)
            assert kept / predicted == pytest.approx(0.5, abs=0.01), (domain, value)
    pooled = select(predictions, labels, q=0.5)
    target = np.concatenate([pooled[f"target{n}"].label for n in range(2)])
    assert (target != labels.ignore).mean() < 0.25


def ball(radius, size=24):
    """Distance of each voxel from its surface; no two have the same."""
    axis = np.arange(size) - size / 2
    grid = np.meshgrid(axis + 0.113, axis + 0.297, axis + 0.411, indexing="ij")
    return np.sqrt(sum(along**2 for along in grid)) - radius


def test_a_rim_has_a_quantile_of_its_own_on_both_sides_of_the_border(write):
    """Finds rims that compete with cores, and rims of the structure alone."""
    labels = Labels(("vs",))
    inside = 1 / (1 + np.exp(ball(6)))
    prediction = write("a", np.stack([1 - inside, inside]).astype(np.float32))
    structure = inside > 0.5
    near = np.zeros_like(structure)
    size = structure.shape[0]
    for i, j, k in np.argwhere(np.ones_like(structure)):
        box = structure[max(i - 2, 0) : i + 3, max(j - 2, 0) : j + 3, max(k - 2, 0) : k + 3]
        near[i, j, k] = box.any() != box.all()
    assert 0 < near.sum() < size**3
    found = select([prediction], labels, q=0.6, rim=2, rim_q=0.8)["a"].label
    for value, of_class in enumerate((~structure, structure)):
        for stratum, portion in ((near, 0.8), (~near, 0.6)):
            within = of_class & stratum
            kept = (found[within] == value).mean()
            assert kept == pytest.approx(portion, abs=0.01)
    plain = select([prediction], labels, q=0.6)["a"].label
    assert (plain[structure & near] == 1).mean() < 0.6


def test_without_rim_q_the_rim_follows_q_and_with_it_not_even_by_round():
    config = parse_config(TopQConfig, {"q": 0.5, "q_step": 0.2, "rim": 1}, "strategy")
    assert [config.portion(k, rim=True) for k in (1, 2)] == [0.5, 0.7]
    config = parse_config(TopQConfig, {"q": 0.5, "q_step": 0.2, "rim": 1, "rim_q": 0.9}, "strategy")
    assert [config.portion(k, rim=True) for k in (1, 2)] == [0.9, 0.9]
    assert [config.portion(k) for k in (1, 2)] == [0.5, 0.7]


@pytest.mark.parametrize("slab", [300, 1 << 20])
@pytest.mark.parametrize("q", [0.1, 0.37, 0.6, 0.999])
def test_thinned_ties_leave_the_portion_to_a_voxel(  # noqa: PLR0917
    write, softmax_of, labels, q, slab, monkeypatch
):
    """With float16 most voxels have exactly 1; kept by whole bins, all of them would stay."""
    monkeypatch.setattr(reading, "SLAB_VOXELS", slab)
    arrays = [softmax_of(n, 30, np.float16) for n in range(3)]
    predictions = [write(f"c{n}", array) for n, array in enumerate(arrays)]
    found = select(predictions, labels, q=q, ties="thin")
    whole = select(predictions, labels, q=q)
    classes = np.concatenate([array.argmax(axis=0) for array in arrays])
    confidence = np.concatenate([array.max(axis=0) for array in arrays]).astype(float)
    label = np.concatenate([one.label for one in found.values()])
    loose = np.concatenate([one.label for one in whole.values()])
    for value in range(labels.count):
        kept, predicted = kept_of(label, classes, value)
        assert kept == int(np.ceil(round(q * predicted, 6)))
        of_class = classes == value
        lost = confidence[of_class & (label == labels.ignore)]
        assert lost.max() <= confidence[label == value].min()
    assert (loose != labels.ignore).mean() > q
    assert ((label != labels.ignore) <= (loose != labels.ignore)).all()
    first, *_ = found.values()
    assert 0 < (first.label == labels.ignore).mean() < 1


def test_a_cap_keeps_what_it_names_though_ties_are_thinned(write, softmax_of, labels):
    array = softmax_of(0, 30, np.float16)
    found = select([write("a", array)], labels, q=0.1, cap=0.9, ties="thin")["a"].label
    assert np.array_equal(found != labels.ignore, array.max(axis=0) >= np.float16(0.9))


def test_thinning_is_repeatable(write, softmax_of, labels):
    predictions = [write("a", softmax_of(0, 30, np.float16))]
    one, other = (select(predictions, labels, q=0.3, ties="thin")["a"].label for _ in range(2))
    assert np.array_equal(one, other)


def test_the_surest_scans_of_each_domain_are_learnt_from_and_set_the_thresholds(
    write, softmax_of, labels
):
    scales = {"source": [6, 2, 9, 3], "target": [1, 4, 2, 0.5]}
    arrays = {
        f"{domain}{n}": softmax_of(n, scale, np.float32)
        for domain, some in scales.items()
        for n, scale in enumerate(some)
    }
    predictions = [write(name, array, domain=Domain(name[:6])) for name, array in arrays.items()]
    found = select(predictions, labels, scans=0.5, q=0.6)
    assert [name for name, one in found.items() if one.scan_weight] == [
        "source0",
        "source2",
        "target1",
        "target2",
    ]
    assert list(found) == list(arrays)
    for name, one in found.items():
        assert one.scan_weight in (0, 1)
        assert one.label.shape == arrays[name].shape[1:]
        if not one.scan_weight:
            assert (one.label == labels.ignore).all()
    chosen = [one for one in predictions if found[one.case_id].scan_weight]
    alone = select(chosen, labels, q=0.6)
    for name, one in alone.items():
        assert np.array_equal(found[name].label, one.label)


def test_a_scan_without_a_structure_is_less_sure_than_one_with_it(write, softmax_of, labels):
    """Finds means over the structures that happen to be there."""
    doubtful, sure = softmax_of(0, 2, np.float32), softmax_of(1, 9, np.float32)
    sure[0] += sure[2]
    sure[2] = 0
    found = select([write("a", doubtful), write("b", sure)], labels, scans=0.5)
    assert [one.scan_weight for one in found.values()] == [1, 0]


def test_several_teachers_are_averaged(write, softmax_of, labels):
    first, second = (softmax_of(n, 3, np.float16) for n in (1, 2))
    found = select([write("a", first, second)], labels, q=0.7)["a"].label
    mean = (first.astype(np.float32) + second.astype(np.float32)) / 2
    assert np.array_equal(found, select([write("b", mean)], labels, q=0.7)["b"].label)
    assert not np.array_equal(found, select([write("c", first)], labels, q=0.7)["c"].label)


def test_teachers_that_saw_other_images_are_refused(write, softmax_of, labels):
    prediction = write("a", softmax_of(0, 3, np.float16), softmax_of(0, 3, np.float16, (4, 5, 6)))
    with pytest.raises(DataError, match=r"a-1\.npy: has shape .*delete both and predict again"):
        select([prediction], labels)


def test_a_minus_before_a_zero_changes_nothing(write, softmax_of, labels):
    """Float16 are compared by their bits, where that of the sign is the greatest."""
    array = softmax_of(0, 30, np.float16)
    signed = np.where(array == 0, np.float16(-0.0), array)
    assert np.signbit(signed).any()
    plain, found = (
        select([write(name, a)], labels)[name].label for name, a in (("a", array), ("b", signed))
    )
    assert np.array_equal(plain, found)


@st.composite
def confidences(draw):
    """Strata and confidences of some voxels, many of them tied, and how they come in slabs."""
    kind = draw(st.sampled_from([np.float16, np.float32]))
    number = draw(st.integers(1, 400))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sharpness = draw(st.sampled_from([1, 4, 40]))
    confidence = (1 - 0.6 * generator.uniform(0, 1, number) ** sharpness).astype(kind)
    strata = generator.choice([0, 1, 2, 255], number, p=[0.6, 0.25, 0.1, 0.05]).astype(np.uint8)
    return confidence, strata, draw(st.integers(1, 5)), draw(st.floats(0.01, 1))


@given(confidences())
def test_any_selection_is_that_of_a_sort(drawn):
    confidence, strata, pieces, q = drawn
    histograms = ConfidenceHistograms(3)
    parts = np.array_split(np.arange(len(confidence)), pieces)
    for part in parts:
        histograms.add(strata[part], confidence[part])
    thresholds = [histograms.threshold(number, q) for number in range(3)]
    slabs = [Stratum(strata[part], strata[part], confidence[part]) for part in parts]
    whole, thinned = Cuts(thresholds), Cuts(thresholds, thin=True)
    kept = np.concatenate([whole.kept(slab) for slab in slabs])
    thin = np.concatenate([thinned.kept(slab) for slab in slabs])
    assert not kept[strata == 255].any()
    assert not (thin & ~kept).any()
    for number, one in enumerate(thresholds):
        values = np.sort(confidence[strata == number].astype(float))[::-1]
        if not len(values):
            assert one.predicted == 0
            continue
        wanted = int(np.ceil(round(q * len(values), 6)))
        exact = values[wanted - 1]
        of_stratum = strata == number
        assert thin[of_stratum].sum() == wanted == one.wanted
        # A bin is at most a 4096th of the doubt wide; of float16 it holds one number.
        assert exact - (1 - exact) / 4096 - 2**-24 <= one.confidence <= exact
        lowest = exact if confidence.dtype == np.float16 else one.confidence
        expected = confidence.astype(float) >= lowest
        assert np.array_equal(kept[of_stratum], expected[of_stratum])


@given(st.integers(0, 2**32 - 1), st.sampled_from([np.float16, np.float32]))
def test_the_likeliest_class_is_numpys(seed, kind):
    generator = np.random.default_rng(seed)
    scores = generator.choice([0, 0.25, 0.5, 1], (4, 5, 6, 7)).astype(kind)
    predicted, confidence = reading.likeliest(scores)
    assert np.array_equal(predicted, scores.argmax(axis=0))
    assert np.array_equal(confidence, scores.max(axis=0))
    assert confidence.dtype == kind


def test_strata_are_named_for_people(labels):
    assert Strata(labels).names == ["background", "vs", "cochlea"]
    names = Strata(labels, rim=1).names
    assert (names[1], names[4]) == ("core of vs", "rim of vs")
    assert len(names) == 6


def test_predictions_say_their_mean(write, softmax_of):
    first, second = (softmax_of(n, 3, np.float16) for n in (1, 2))
    both: Prediction = write("a", first, second)
    assert np.allclose(both.probabilities(), (first.astype(float) + second) / 2, atol=1e-6)
    assert np.array_equal(write("b", first).probabilities(), first)
