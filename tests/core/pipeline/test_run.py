"""A run keeps what is finished, goes on where it was interrupted, and repeats exactly."""

import json

import numpy as np
import pytest

from past_core.errors import ConfigError, DataError, PluginError
from past_core.pipeline import resolve
from past_core.recipe import load_recipe
from past_core.scoring import read_scores
from past_core.volume import load_volume, read_header


def test_all_systems_are_scored_on_every_structure(run, request_of):
    result, _ = run(request_of(rounds=2, oracle=True))
    assert [
        s.system for s in result.scores if s.case == "crossmoda_211" and s.structure == "vs"
    ] == [
        "no-da",
        "translated",
        "st1",
        "st2",
        "oracle",
    ]
    assert {s.structure for s in result.scores} == {"vs", "cochlea"}
    assert read_scores(result.folder / "scores.csv") == result.scores


def test_without_strategy_nothing_is_self_trained(run, request_of, calls):
    result, _ = run(request_of(strategy=None))
    assert {s.system for s in result.scores} == {"no-da", "translated"}
    assert calls == ["segmenter", "translator", "segmenter"]


def test_each_round_starts_from_the_weights_of_the_one_before(run, request_of, calls):
    run(request_of(rounds=2))
    assert calls == [
        "segmenter",
        "translator",
        "segmenter",
        "select 1",
        "segmenter (warm)",
        "select 2",
        "segmenter (warm)",
    ]


def test_the_same_command_again_does_nothing_and_gives_the_same_scores(run, request_of, calls):
    first, _ = run(request_of())
    calls.clear()
    second, observed = run(request_of())
    assert observed.ran == []
    assert calls == []
    assert second.scores == first.scores


@pytest.mark.parametrize(
    "stage",
    [
        "crop",
        "fit-no-da",
        "fit-translator",
        "translate",
        "label-st1",
        "select-st1",
        "fit-st1",
        "score",
    ],
)
def test_an_interrupted_run_goes_on_to_the_same_scores(run, request_of, tmp_path, stage):
    undisturbed, whole = run(request_of(rounds=1))
    request = request_of(rounds=1, folder=tmp_path / "interrupted")
    with pytest.raises(KeyboardInterrupt):
        run(request, stop_in=stage)
    resumed, observed = run(request)
    names = [report.name for report in whole.reports]
    assert observed.ran == names[names.index(stage) :]
    assert resumed.scores == undisturbed.scores


def test_a_changed_setting_runs_only_what_depends_on_it(run, request_of, calls):
    run(request_of(rounds=1))
    calls.clear()
    _, observed = run(request_of(rounds=1, assignments=("strategy.above=0.9",)))
    assert observed.ran == ["select-st1", "fit-st1", "segment-st1", "score"]
    assert calls == ["select 1", "segmenter (warm)"]


def test_a_setting_that_has_no_effect_on_the_result_runs_nothing_again(run, request_of):
    run(request_of(rounds=1))
    _, observed = run(request_of(rounds=1, assignments=("translator.workers=2",)))
    assert all(report.reused for report in observed.reports)


def test_another_seed_runs_everything_again(run, request_of):
    run(request_of(rounds=1))
    _, observed = run(request_of(rounds=1, seed=1))
    assert all(not report.reused for report in observed.reports)


def test_the_manifest_tells_what_a_stage_was_made_of(run, request_of):
    result, _ = run(request_of(rounds=1))
    manifest = json.loads((result.folder / "stages/fit-st1/manifest.json").read_text())
    assert manifest["finished"] is True
    assert manifest["settings"]["segmenter"]["name"] == "bayes"
    assert set(manifest["inputs"]) == {"crop", "translate", "select-st1", "fit-translated"}
    assert manifest["wall_seconds"] > 0
    assert manifest["peak_memory_mib"] > 10


def test_the_recorded_recipe_gives_the_same_run(run, request_of, tmp_path):
    request = request_of(rounds=1, assignments=("translator.strength=0.5", "strategy.above=0.8"))
    first, _ = run(request)
    recorded = load_recipe(request.folder / "recipe.toml")
    second, observed = run(request_of(recipe=recorded))
    assert observed.ran == []
    assert second.scores == first.scores


def test_segmentations_lie_on_the_grid_of_the_original_scan(run, request_of, phantom_folder):
    result, _ = run(request_of(strategy=None))
    path = phantom_folder / "target_validation/crossmoda_211_hrT2.nii.gz"
    segmented = load_volume(result.folder / "stages/segment-translated/crossmoda_211_label.nii.gz")
    header = read_header(path)
    assert segmented.shape == header.shape
    np.testing.assert_allclose(segmented.affine, header.affine)


def test_kept_source_labels_are_not_selected_anew(run, request_of):
    result, _ = run(request_of(rounds=1, assignments=("pipeline.source_labels=keep",)))
    selected = result.folder / "stages/select-st1"
    assert sorted(path.name for path in selected.glob("*.nii.gz")) == [
        f"crossmoda_{n}_label.nii.gz" for n in (106, 107, 108)
    ]


COPIES = ("pipeline.copies.number=2", "pipeline.copies.intensity=[0.2, 0.4]")


def test_varied_copies_differ_from_the_translation_in_the_structures_alone(run, request_of):
    result, _ = run(request_of(rounds=1, assignments=COPIES))
    stages = result.folder / "stages"
    label = load_volume(stages / "crop/crossmoda_1_label.nii.gz").data
    translated = load_volume(stages / "translate/crossmoda_1_image.nii.gz").data
    factors = []
    for number in (1, 2):
        copy = load_volume(stages / f"vary/crossmoda_1_copy{number}_image.nii.gz").data
        np.testing.assert_array_equal(copy[label == 0], translated[label == 0])
        for value in (1, 2):
            inside = (label == value) & (translated > 0)
            ratio = copy[inside] / translated[inside]
            np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)
            factors.append(float(ratio[0]))
    assert len(set(factors)) == 4
    assert all(0.2 <= factor <= 0.4 for factor in factors)


def test_segmenters_learn_from_varied_copies_too(run, request_of, registry, monkeypatch):
    trained = []
    fit = registry.factory("segmenter", "bayes").fit

    def noted(self, cases, *rest):
        trained.append([case.id for case in cases])
        fit(self, cases, *rest)

    monkeypatch.setattr(registry.factory("segmenter", "bayes"), "fit", noted)
    run(request_of(rounds=1, assignments=COPIES))
    source = ["crossmoda_1", "crossmoda_2"]
    copies = [f"{case}_copy{number}" for number in (1, 2) for case in source]
    targets = [f"crossmoda_{number}" for number in (106, 107, 108)]
    assert trained == [source, source + copies, source + copies + targets]


def test_copying_goes_on_where_it_was_interrupted(run, request_of, tmp_path):
    undisturbed, _ = run(request_of(rounds=1, assignments=COPIES))
    request = request_of(rounds=1, assignments=COPIES, folder=tmp_path / "interrupted")
    with pytest.raises(KeyboardInterrupt):
        run(request, stop_in="vary")
    resumed, observed = run(request)
    assert observed.ran[0] == "vary"
    assert resumed.scores == undisturbed.scores


def test_factors_in_the_wrong_order_are_refused(request_of, registry):
    request = request_of(assignments=("pipeline.copies.intensity=[1.0, 0.5]",))
    with pytest.raises(ConfigError, match="the least factor comes first"):
        resolve(request, registry)


def test_a_stage_that_fails_leaves_its_traceback_in_its_log(run, request_of, registry, monkeypatch):
    def explode(self, volume):
        raise RuntimeError("the translator exploded")

    monkeypatch.setattr(registry.factory("translator", "match"), "translate", explode)
    request = request_of()
    with pytest.raises(RuntimeError, match="exploded"):
        run(request)
    log = (request.folder / "stages/translate/log.txt").read_text()
    assert "the translator exploded" in log
    assert "Traceback" in log


def test_two_runs_cannot_share_a_folder(run, request_of):
    from filelock import FileLock

    request = request_of()
    request.folder.mkdir()
    with FileLock(request.folder / ".lock"), pytest.raises(DataError, match="another run"):
        run(request)


def test_a_wrong_shape_from_a_plugin_is_named(run, request_of, registry, monkeypatch):
    factory = registry.factory("segmenter", "bayes")
    right = factory.predict
    monkeypatch.setattr(factory, "predict", lambda self, volume: right(self, volume)[..., 1:])
    with pytest.raises(DataError, match="segmenter 'bayes' of small-plugins 0 gave shape"):
        run(request_of())


def test_an_oracle_without_target_labels_is_refused_before_training(
    run, request_of, phantom_folder, tmp_path, calls
):
    import shutil

    folder = tmp_path / "without"
    shutil.copytree(phantom_folder, folder)
    shutil.rmtree(folder / "target_oracle")
    with pytest.raises(DataError, match=r"oracle trains on target labels, but 3 target case"):
        run(request_of(data=folder, oracle=True))
    assert calls == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"translator": "match2"}, "Did you mean 'match'"),
        ({"segmenter": "nnunet"}, "pip install 'past-seg'"),
        ({"assignments": ("translator.strngth=1",)}, r"translator\.match\.strngth: unknown key"),
        ({"assignments": ("translator.strength=2",)}, r"translator\.match\.strength: .*got 2"),
        ({"assignments": ("pipeline.source_labels=both",)}, r"'replace' or 'keep', got 'both'"),
        ({"assignments": ("strength=2",)}, r"KEY=VALUE where KEY begins with"),
        ({"assignments": ("pipeline.roi.lower=[0, 0, 1]",)}, "roi: axis 2 runs from 1"),
    ],
)
def test_wrong_requests_are_refused_before_anything_runs(run, request_of, calls, change, message):
    with pytest.raises((PluginError, ConfigError), match=message):
        run(request_of(**change))
    assert calls == []


def test_resolving_loads_no_data_but_finds_the_reader(request_of, registry):
    settings, dataset = resolve(request_of(), registry)
    assert dataset.name == "crossmoda"
    assert settings.systems == ("no-da", "translated", "st1", "st2")
