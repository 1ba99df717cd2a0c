"""Translators that measure themselves do so in a stage that nothing waits for."""

import json

import pytest

from past_core.pipeline import plan_pipeline, run_pipeline


@pytest.mark.parametrize("until", ["translate", "train", "segment", "score"])
def test_a_translator_is_measured_on_what_it_was_fitted_to(registry, request_of, until):
    run = run_pipeline(request_of(translator="measured", until=until), registry=registry)
    manifests = {
        stage.name: json.loads((run.folder / "stages" / stage.folder / "manifest.json").read_text())
        for stage in run.stages()
    }
    cases = run.record["cases"]
    (stage,) = (stage for stage in run.stages() if stage.name == "measure-aligned")
    written = run.folder / "stages" / stage.folder / "record/quality.json"
    assert json.loads(written.read_text()) == {
        "seed": manifests["fit-aligned"]["seed"],
        "labels": ["vs", "cochlea"],
        "source": dict.fromkeys(cases["source"], True),
        "target": dict.fromkeys(cases["target"], False),
    }


def test_figures_of_another_form_are_told_of_and_not_shown(registry, request_of, caplog):
    run = run_pipeline(request_of(translator="measured", until="translate"), registry=registry)
    (translation,) = run.translations()
    assert translation.quality is None
    assert "quality.json: figures of another form (chosen) are not shown" in caplog.text


def test_nothing_waits_for_the_figures(registry, request_of):
    planned, _ = plan_pipeline(request_of(translator="measured"), registry=registry)
    for stage in planned.graph:
        assert "measure-aligned" not in [needed.name for needed in stage.inputs.values()]
    crops = ("crop-source", "crop-wide-source", "crop-wide-target")
    before = (*crops, "fit-aligned", "translate-aligned", "vary-aligned")
    waiting = [stage.name for stage in planned.graph.ready(before)]
    assert waiting.index("fit-bayes") < waiting.index("measure-aligned")


def test_others_have_no_such_stage(registry, request_of, calls):
    run = run_pipeline(request_of(), registry=registry)
    assert "measured" not in calls
    assert not [stage for stage in run.stages() if stage.name.startswith("measure")]
    (translation,) = run.translations()
    assert translation.quality is None


def test_figures_are_measured_once(registry, request_of, calls):
    for until in ("translate", "score"):
        run_pipeline(request_of(translator="measured", until=until), registry=registry)
    assert calls.count("measured") == 1
