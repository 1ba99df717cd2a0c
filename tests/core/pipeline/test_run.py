"""A run keeps what is finished, goes on where it was interrupted, and repeats exactly."""

import json
import os
import shutil

import numpy as np
import pytest

from past_core.comparison import scores_of_runs
from past_core.errors import ConfigError, DataError, PluginError, StageError
from past_core.exported.export import export_system
from past_core.headers import read_header
from past_core.pipeline import Request, clean_run, load_systems, run_pipeline
from past_core.recipe import load_recipe
from past_core.scoring import read_scores
from past_core.volume import load_volume
from tests.core.pipeline.toys import FITS, toy_registry


def test_all_systems_are_scored_on_every_structure(run, request_of):
    result, _ = run(request_of(rounds=2, oracle=True))
    assert [
        s.system for s in result.scores() if s.case == "crossmoda_211" and s.structure == "vs"
    ] == [
        "no-da",
        "translated",
        "st1",
        "st2",
        "final",
        "oracle",
    ]
    assert {s.structure for s in result.scores()} == {"vs", "cochlea"}
    assert read_scores(result.folder / "scores.csv") == result.scores()


def test_without_strategy_nothing_is_self_trained(run, request_of, calls):
    result, _ = run(request_of(strategy="none"))
    assert {s.system for s in result.scores()} == {"no-da", "translated", "final"}
    assert calls == ["translator", "segmenter", "segmenter"]


def test_the_same_command_again_does_nothing_and_gives_the_same_scores(run, request_of, calls):
    first, _ = run(request_of())
    calls.clear()
    second, observed = run(request_of())
    assert observed.ran == []
    assert calls == []
    assert second.scores() == first.scores()


@pytest.fixture(scope="module")
def undisturbed(phantom_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    plugins = {"translator": "match", "segmenter": "bayes", "strategy": "keep"}
    request = Request(folder, data=phantom_folder, rounds=1, **plugins)
    return run_pipeline(request, registry=toy_registry())


@pytest.mark.parametrize(
    "stage",
    [
        "check",
        "crop-source",
        "crop-target",
        "crop-test",
        "fit-no-da",
        "fit-aligned",
        "translate-aligned",
        "vary-aligned",
        "label-bayes-for-st1",
        "select-bayes-st1",
        "fit-bayes-st1",
        "predict-bayes-st1-on-384",
        "combine-st1",
        "score-st1",
        "judge-bayes-st1-on-448",
        "choose-final",
        "trust-final",
        "combine-final",
    ],
)
def test_an_interrupted_run_goes_on_to_the_same_scores(run, request_of, undisturbed, stage):
    request = request_of(rounds=1)
    with pytest.raises(KeyboardInterrupt):
        run(request, stop_in=stage)
    resumed, observed = run(request)
    assert stage in observed.ran
    assert len(set(observed.ran)) == len(observed.ran)
    assert set(observed.ran) <= {report.name for report in undisturbed.stages()}
    assert resumed.scores() == undisturbed.scores()


DEPEND_ON_SELECTION = {
    *("select-bayes-st1", "fit-bayes-st1", "predict-bayes-st1-on-448"),
    *("predict-bayes-st1-on-384", "combine-st1", "score-st1"),
    *("judge-bayes-st1-on-448", "judge-bayes-st1-on-384"),
    *("choose-final", "trust-final", "combine-final", "score-final"),
}


def test_a_changed_setting_runs_only_what_depends_on_it(run, request_of, calls):
    run(request_of(rounds=1))
    calls.clear()
    _, observed = run(request_of(rounds=1, assignments=("strategy.above=0.9",)))
    assert set(observed.ran) == DEPEND_ON_SELECTION
    assert calls == ["select 1", "segmenter (warm)"]


def test_nothing_trained_is_replaced_and_going_back_finds_it(run, request_of, calls):
    first, _ = run(request_of(rounds=1))
    run(request_of(rounds=1, assignments=("strategy.above=0.9",)))
    calls.clear()
    again, observed = run(request_of(rounds=1))
    assert observed.ran == []
    assert calls == []
    assert again.scores() == first.scores()


def test_cleaning_removes_what_the_newest_run_does_not_use(run, request_of):
    run(request_of(rounds=1))
    result, observed = run(request_of(rounds=1, assignments=("strategy.above=0.9",)))
    names = {path.name.rpartition("-")[0] for path in clean_run(result.folder, pretend=True)[0]}
    assert names == DEPEND_ON_SELECTION
    removed, size = clean_run(result.folder)
    assert size > 0
    assert not any(path.exists() for path in removed)
    _, observed = run(request_of(rounds=1, assignments=("strategy.above=0.9",)))
    assert observed.ran == []
    assert clean_run(result.folder) == ([], 0)


def test_a_setting_of_prediction_trains_nothing_again(run, request_of, calls):
    run(request_of(strategy="none"))
    calls.clear()
    _, observed = run(request_of(strategy="none", assignments=("segmenter.sharpness=2",)))
    assert calls == []
    again = {"predict", "judge", "choose", "trust", "combine", "score"}
    assert {name.split("-")[0] for name in observed.ran} == again


def test_one_more_scan_to_segment_trains_nothing_again(run, request_of, phantom_folder, tmp_path):
    folder = tmp_path / "data"
    shutil.copytree(phantom_folder, folder)
    extra = folder / "target_validation/crossmoda_212_hrT2.nii.gz"
    away = tmp_path / extra.name
    label = extra.with_name("crossmoda_212_Label.nii.gz")
    hidden = label.rename(tmp_path / label.name)
    extra.rename(away)
    run(request_of(rounds=1, data=folder))
    away.rename(extra)
    hidden.rename(label)
    result, observed = run(request_of(rounds=1, data=folder))
    done = {name.split("-")[0] for name in observed.ran}
    assert done == {"check", "crop", "predict", "trust", "combine", "score"}
    assert {s.case for s in result.scores()} == {"crossmoda_211", "crossmoda_212"}


def test_a_renamed_model_is_the_same_model(run, request_of, systems_of):
    text = """
        [[model]]
        name = "{name}"
        segmenter = "bayes"
        images = [{{ from = "source" }}]
        [[system]]
        name = "only"
        use = "{name}"
    """
    plain = {"translator": None, "segmenter": None, "strategy": None}
    run(request_of(systems=systems_of(text.format(name="first")), **plain))
    result, observed = run(request_of(systems=systems_of(text.format(name="second")), **plain))
    assert observed.ran == []
    assert all(path.is_file() for one in result.segmented() for path in one.predictions.values())
    assert clean_run(result.folder) == ([], 0)


def test_a_setting_that_has_no_effect_on_the_result_runs_nothing_again(run, request_of):
    run(request_of(rounds=1))
    _, observed = run(request_of(rounds=1, assignments=("translator.workers=2",)))
    assert all(report.reused for report in observed.reports)


def test_another_seed_trains_everything_again(run, request_of):
    run(request_of(rounds=1))
    _, observed = run(request_of(rounds=1, seed=1))
    kept = {report.name for report in observed.reports if report.reused}
    assert kept == {
        *("check", "crop-source", "crop-target", "crop-test"),
        *("crop-wide-source", "crop-wide-target"),
    }


def test_the_manifest_tells_what_a_stage_was_made_of(run, request_of, stage_of):
    result, _ = run(request_of(rounds=1))
    manifest = json.loads((stage_of(result, "fit-bayes-st1") / "manifest.json").read_text())
    assert manifest["finished"] is True
    assert manifest["params"]["plugin"]["name"] == "bayes"
    assert {name.rpartition("-")[0] for name in manifest["inputs"].values()} == {
        *("crop-source", "crop-target", "translate-aligned", "vary-aligned"),
        *("select-bayes-st1", "fit-bayes"),
    }
    assert manifest["wall_seconds"] > 0
    assert manifest["peak_memory_mib"] > 10


def test_the_recorded_recipe_gives_the_same_run(run, request_of, tmp_path):
    request = request_of(rounds=1, assignments=("translator.strength=0.5", "strategy.above=0.8"))
    first, _ = run(request)
    recorded = load_recipe(request.folder / "recipe.toml")
    systems = load_systems(request.folder / "systems.toml")
    repeated = Request(request.folder, systems, recipe=recorded, data=request.data)
    second, observed = run(repeated)
    assert observed.ran == []
    assert second.scores() == first.scores()


def test_segmentations_lie_on_the_grid_of_the_original_scan(
    run, request_of, phantom_folder, stage_of
):
    result, _ = run(request_of(strategy="none"))
    path = phantom_folder / "target_validation/crossmoda_211_hrT2.nii.gz"
    segmented = load_volume(stage_of(result, "combine-translated") / "crossmoda_211_label.nii.gz")
    header = read_header(path)
    assert segmented.shape == header.shape
    np.testing.assert_allclose(segmented.affine, header.affine)


VARIED = """
    [[translation]]
    name = "aligned"
    translator = "match"
    [[model]]
    name = "adapted"
    segmenter = "bayes"
    images = [{ from = "aligned", copies = 2, intensity = [0.2, 0.4] }]
    [[system]]
    name = "varied"
    use = "adapted"
"""


def test_varied_copies_differ_from_the_translation_in_the_structures_alone(
    run, request_of, systems_of, stage_of
):
    result, _ = run(request_of(systems=systems_of(VARIED), strategy=None))
    label = load_volume(stage_of(result, "crop-source") / "crossmoda_1_label.nii.gz").data
    images = stage_of(result, "translate-aligned")
    translated = load_volume(images / "crossmoda_1_image.nii.gz").data
    factors = []
    for number in (1, 2):
        copies = stage_of(result, "vary-aligned")
        copy = load_volume(copies / f"crossmoda_1_copy{number}_image.nii.gz").data
        np.testing.assert_array_equal(copy[label == 0], translated[label == 0])
        for value in (1, 2):
            inside = (label == value) & (translated > 0)
            ratio = copy[inside] / translated[inside]
            np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)
            factors.append(float(ratio[0]))
    assert len(set(factors)) == 4
    assert all(0.2 <= factor <= 0.4 for factor in factors)


def test_factors_in_the_wrong_order_are_refused(systems_of):
    with pytest.raises(ConfigError, match="the least factor comes first"):
        systems_of(VARIED.replace("[0.2, 0.4]", "[1.0, 0.5]"))


def test_a_stage_that_fails_leaves_its_traceback_in_its_log(run, request_of, registry, monkeypatch):
    def explode(self, volume):
        raise RuntimeError("the translator exploded")

    monkeypatch.setattr(registry.factory("translator", "match"), "translate", explode)
    request = request_of()
    with pytest.raises(StageError, match=r"RuntimeError: .*exploded.*translate-aligned-.*log\.txt"):
        run(request)
    (log,) = request.folder.glob("stages/translate-aligned-*/log.txt")
    log = log.read_text()
    assert "the translator exploded" in log
    assert "Traceback" in log


def test_two_runs_cannot_share_a_folder(run, request_of):
    from filelock import FileLock

    request = request_of()
    request.folder.mkdir()
    with FileLock(request.folder / ".lock"), pytest.raises(DataError, match="another run"):
        run(request)
    assert [path.name for path in request.folder.iterdir()] == [".lock"]


def test_a_wrong_shape_from_a_plugin_is_named(run, request_of, registry, monkeypatch):
    factory = registry.factory("segmenter", "bayes")
    right = factory.predict
    monkeypatch.setattr(factory, "predict", lambda self, volume: right(self, volume)[..., 1:])
    with pytest.raises(DataError, match="segmenter 'bayes' of small-plugins 0 gave shape"):
        run(request_of())


def test_an_oracle_without_target_labels_is_refused_before_training(
    run, request_of, phantom_folder, tmp_path, calls
):
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
        ({"assignments": ("crop.clip_percentile=5",)}, r"crop\.clip_percentile: .*got 5"),
        ({"assignments": ("strength=2",)}, r"KEY=VALUE where KEY begins with"),
        ({"assignments": ("crop.roi.lower=[0, 0, 1]",)}, "roi: axis 2 runs from 1"),
    ],
)
def test_wrong_requests_are_refused_before_anything_runs(run, request_of, calls, change, message):
    with pytest.raises((PluginError, ConfigError), match=message):
        run(request_of(**change))
    assert calls == []


def test_validation_scans_are_scored_beside_test_scans_and_reported_apart(
    run, request_of, phantom_of
):
    data = phantom_of(validation=1)
    FITS.clear()
    result, _ = run(request_of(data=data, rounds=1, oracle=True))
    parts = {score.case: score.part for score in result.scores()}
    assert parts == {
        "crossmoda_211": "test",
        "crossmoda_212": "test",
        "crossmoda_1001": "validation",
    }
    assert {summary.n for summary in result.summaries()} == {2}
    assert {summary.n for summary in result.summaries("validation")} == {1}
    assert {score.case for score in scores_of_runs([result.folder])} == {
        "crossmoda_211",
        "crossmoda_212",
    }
    assert not any("crossmoda_1001" in fit.cases for fit in FITS)


@pytest.fixture
def short(run, request_of):
    """A short run, and how to do it again; its first run is shared by what damages it."""
    request = request_of(strategy="none")
    first, _ = run(request)
    return first, lambda: run(request)


@pytest.mark.parametrize(
    ("stage", "pattern", "how"),
    [
        ("crop-test", "*_image.nii.gz", "gone"),
        ("translate-aligned", "*_image.nii.gz", "empty folder"),
        ("predict-bayes-on-448", "*_probabilities.npy", "gone"),
        ("predict-bayes-on-448", "*_label.nii.gz", "other"),
        ("fit-bayes", "model/*", "shorter"),
    ],
)
def test_lost_and_damaged_outputs_are_made_again(short, stage_of, stage, pattern, how):
    """Finds a stage that skips what it finds, and so keeps what is damaged."""
    first, again = short
    folder = stage_of(first, stage)
    path, content = _damage(folder, pattern, how)
    second, observed = again()
    assert observed.ran == [stage]  # what it makes is the same, so nothing after it runs again
    assert path.read_bytes() == content
    assert second.scores() == first.scores()
    (notice,) = [text for text in observed.notices if "lost or changed" in text]
    assert stage in notice
    assert str(folder) in notice


def _damage(folder, pattern, how):
    path = sorted(folder.glob(pattern))[0]
    content = path.read_bytes()
    if how == "empty folder":
        for one in folder.rglob("*"):
            if one.is_file() and one.name != "manifest.json":
                one.unlink()
    elif how == "gone":
        path.unlink()
    elif how == "shorter":
        path.write_bytes(content[:-9])
    else:
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    return path, content


def test_files_of_another_time_and_the_same_content_are_the_same(short, stage_of):
    """As in a folder that was copied."""
    first, again = short
    for path in (first.folder / "stages").rglob("*"):
        os.utime(path, ns=(1, 1)) if path.is_file() else None
    second, observed = again()
    assert observed.ran == []
    assert second.scores() == first.scores()


@pytest.mark.parametrize(
    "content", ["[]", "3", "", "\x00\xff", "{}", '{"finished": true}', "lacks"]
)
def test_a_damaged_manifest_is_as_good_as_none(short, stage_of, content):
    first, again = short
    path = stage_of(first, "fit-bayes") / "manifest.json"
    if content == "lacks":
        whole = json.loads(path.read_text())
        del whole["files"]
        content = json.dumps(whole)
    path.write_text(content)
    second, observed = again()
    assert observed.ran == ["fit-bayes"]
    assert second.scores() == first.scores()


def test_a_manifest_that_lists_files_elsewhere_removes_none(short, stage_of, tmp_path):
    first, again = short
    precious = tmp_path / "precious"
    precious.write_text("mine")
    path = stage_of(first, "fit-bayes") / "manifest.json"
    manifest = json.loads(path.read_text())
    listed = {"size": 1, "time": 1, "sha256": ""}
    for name in (str(precious), "../../../precious"):
        path.write_text(json.dumps(manifest | {"files": manifest["files"] | {name: listed}}))
        _, observed = again()
        assert observed.ran == ["fit-bayes"]
        assert precious.read_text() == "mine"


def test_a_model_that_was_changed_is_not_exported(short, stage_of, tmp_path):
    """Of the same size and time, so that a run does not see it."""
    first, _ = short
    (path,) = (stage_of(first, "fit-bayes") / "model").iterdir()
    state = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    with pytest.raises(DataError, match=f"{path}: lost or changed since it was trained"):
        export_system(first.folder, tmp_path / "model", system="translated")
    assert not (tmp_path / "model").exists()


def test_a_folder_whose_manifest_is_damaged_keeps_nothing_of_what_is_in_it(short, stage_of):
    """Finds a damaged model that is taken for trained, since nobody knows what it should be."""
    first, again = short
    folder = stage_of(first, "fit-bayes")
    (path,) = (folder / "model").iterdir()
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"x")
    (folder / "manifest.json").write_text("{")
    again()
    assert path.read_bytes() == content


def test_what_links_in_a_stage_lead_to_is_not_removed(short, stage_of, tmp_path):
    first, again = short
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "keep").write_text("mine")
    folder = stage_of(first, "fit-bayes")
    (folder / "link").symlink_to(elsewhere)
    (folder / "manifest.json").unlink()
    (folder / "manifest.json").write_text("[]")
    again()
    assert (elsewhere / "keep").read_text() == "mine"


@pytest.mark.parametrize("content", ["[]", "{}", '{"files": {}, "sound": [3]}', '{"files": 3}'])
def test_a_damaged_inventory_is_as_good_as_none(short, stage_of, content):
    first, again = short
    (stage_of(first, "check") / "inventory.json").write_text(content)
    second, observed = again()
    assert observed.ran == ["check"]
    assert second.scores() == first.scores()
