"""What a run will cost: measured for a moment, on its own scans, elsewhere."""

from __future__ import annotations

import time

import pytest

from past_core.case import Domain
from past_core.pipeline import Cost, estimate, plan_pipeline, wall_seconds
from past_core.pipeline.graph import Graph
from past_core.pipeline.stage import Stage
from tests.core.pipeline.toys import FITS, UNLABELLED, NaiveBayes

CHOOSING = """
    [[model]]
    name = "rough"
    segmenter = "bayes"
    images = [{ from = "source" }]
    [[model]]
    name = "fine"
    segmenter = "smooth"
    images = [{ from = "source" }]
    [[system]]
    name = "rough"
    use = "rough"
    [[system]]
    name = "fine"
    use = "fine"
    [[system]]
    name = "final"
    choose = ["rough", "fine"]
    validators = VALIDATORS
"""


def test_each_plugin_is_tried_for_a_moment_and_nothing_is_left(registry, request_of):
    request = request_of()
    planned, finished = plan_pipeline(request, registry=registry)
    before = sorted(request.folder.rglob("*"))
    FITS.clear()
    costs = estimate(planned, finished, registry, "cpu")
    assert set(costs) == {stage.name for stage in planned.graph}
    assert sorted(request.folder.rglob("*")) == before
    translators = [fit for fit in FITS if any(c.startswith("crossmoda_1") for c in fit.cases)]
    assert len(FITS) == 6, "a translator and a segmenter, three times each"
    assert all(len(fit.cases) <= 4 for fit in translators)


def test_judging_costs_what_its_validators_apply(registry, request_of, systems_of):
    plain = {"translator": None, "segmenter": None, "strategy": None}

    def judged(validators):
        text = CHOOSING.replace("VALIDATORS", str(validators))
        planned, _ = plan_pipeline(request_of(systems=systems_of(text), **plain), registry=registry)
        return planned, estimate(planned, [], registry, "cpu")

    planned, costs = judged(["agreement", "flip"])
    predicted = [costs[s.name].seconds for s in planned.graph if s.name.startswith("judge-")]
    assert len(predicted) == 4, "two models, two protocols"
    assert costs["choose-final"].seconds == pytest.approx(sum(predicted))
    assert 0 < costs["trust-final"].seconds < costs["choose-final"].seconds
    assert costs["choose-final"].mib > 0
    _, costs = judged(["agreement"])
    assert costs["choose-final"].seconds == costs["trust-final"].seconds == 0


def test_finished_stages_cost_nothing(run, registry, request_of):
    run(request_of(rounds=0))
    planned, finished = plan_pipeline(request_of(rounds=0), registry=registry)
    assert estimate(planned, finished, registry, "cpu") == {}


@pytest.mark.parametrize(("jobs", "seconds"), [(1, 9.0), (2, 6.0), (3, 6.0)])
def test_stages_beside_each_other_take_the_longest_way(jobs, seconds):
    graph = Graph()
    first = graph.add(Stage("first", "f:f", {"n": 1}))
    graph.add(Stage("second", "f:f", {"n": 2}, {"from": first}))
    graph.add(Stage("beside", "f:f", {"n": 3}))
    graph.add(Stage("done", "f:f", {"n": 4}))
    costs = {"first": Cost(2, 0), "second": Cost(4, 0), "beside": Cost(3, 0)}
    assert wall_seconds(graph, costs, jobs) == seconds


def test_translators_are_tried_on_what_they_see_and_an_oracle_on_target_labels(
    registry, request_of
):
    FITS.clear()
    planned, finished = plan_pipeline(request_of(), registry=registry)
    estimate(planned, finished, registry, "cpu")
    translators = [fit for fit in FITS if "crossmoda_106" in fit.cases]
    assert _origins(translators) == {"crop-wide"}
    assert _origins([fit for fit in FITS if fit not in translators]) == {"crop"}
    FITS.clear()
    planned, finished = plan_pipeline(request_of(oracle=True, only=("oracle",)), registry=registry)
    costs = estimate(planned, finished, registry, "cpu")
    assert costs["fit-oracle"].mib > 0
    assert {case for fit in FITS for case in fit.cases} == {"crossmoda_106", "crossmoda_107"}


def _origins(fits):
    """Stages of the images that they saw, without number, part and fingerprint."""
    images = {image for fit in fits for image, _, _ in fit.cases.values()}
    return {image.split("-", 1)[1] for image in images}


def test_what_is_taught_online_is_tried_with_unlabelled_scans(registry, request_of, systems_of):
    """Finds the cost of a plain training taken for it, and a trial without anything to teach."""
    systems = systems_of("""
        [[model]]
        name = "pupil"
        segmenter = "pupil"
        images = [{ from = "source" }]
        [[model.round]]
        strategy = "nod"
        images = [{ from = "source", labels = "keep" }, { from = "target" }]
        [[system]]
        name = "pupil"
        use = "pupil"
    """)
    plain = {"translator": None, "segmenter": None, "strategy": None}
    planned, _ = plan_pipeline(request_of(systems=systems, **plain), registry=registry)
    FITS.clear()
    UNLABELLED.clear()
    estimate(planned, [], registry, "cpu")
    assert len(FITS) == 6, "with and without the strategy, three times each"
    assert UNLABELLED
    for handed in UNLABELLED.values():
        assert [case.domain for case in handed.cases] == [Domain.TARGET] * 2
        assert all(case.label is None for case in handed.cases)


def test_labelling_costs_what_its_settings_ask_for(registry, request_of, systems_of, monkeypatch):
    """Finds mirrored labelling taken for a plain prediction."""
    systems = systems_of("""
        [[model]]
        name = "own"
        segmenter = "bayes"
        images = [{ from = "source" }]
        [[model.round]]
        strategy = "keep"
        labelling = { sharpness = 3.0 }
        images = [{ from = "target" }]
        [[system]]
        name = "own"
        use = "own"
    """)
    load, seen = NaiveBayes.load.__func__, []

    def slow(cls, folder, device="cpu", prediction=None):
        seen.append(prediction)
        if prediction.get("sharpness") == 3.0:
            time.sleep(0.5)
        return load(cls, folder, device, prediction)

    monkeypatch.setattr(NaiveBayes, "load", classmethod(slow))
    plain = {"translator": None, "segmenter": None, "strategy": None}
    planned, _ = plan_pipeline(request_of(systems=systems, **plain), registry=registry)
    costs = estimate(planned, [], registry, "cpu")
    assert {"sharpness": 3.0} in seen
    assert costs["label-own-for-st1"].seconds > 0.5 > costs["predict-own-st1-on-448"].seconds
