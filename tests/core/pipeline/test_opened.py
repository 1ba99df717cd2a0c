"""A run is read from its files alone, also one of before they had today's names."""

from __future__ import annotations

import json

import pytest

from past_core import open_run
from past_core.comparison import scores_of_runs
from past_core.errors import DataError
from past_core.scoring import Score, write_scores


def test_everything_people_look_at_is_found(run, request_of):
    done, _ = run(request_of(rounds=1, command=("pipeline", "--rounds", "1")))
    opened = open_run(done.folder)
    assert opened.systems == ["no-da", "translated", "st1", "final"]
    assert opened.structures == ["vs", "cochlea"]
    assert opened.record["command"] == ["pipeline", "--rounds", "1"]
    assert {"seed", "device", "threads", "data"} <= set(opened.record)
    assert "[translator.match]" in opened.recipe
    assert 'translator = "match"' in opened.systems_file
    (translated,) = opened.translations()
    assert translated.translator == "match"
    assert len(translated.scans) == 2
    assert len(translated.target) == 3
    assert all(path.is_file() for _, *paths in translated.scans for path in paths)
    assert all(path.is_file() for _, path in translated.target)
    (first, _) = opened.segmented()
    assert first.image.is_file()
    assert first.reference.is_file()
    assert set(first.predictions) == set(opened.systems)
    assert all(path.is_file() for path in first.predictions.values())
    assert {stage.name for stage in opened.stages()} >= {"check", "fit-bayes-st1", "score-st1"}


def test_curves_are_numbers_by_stage(run, request_of, stage_of):
    done, _ = run(request_of(rounds=0))
    record = stage_of(done, "fit-bayes") / "record"
    record.mkdir()
    (record / "losses.csv").write_text("iteration,loss\n1,0.5\n2,0.25\n")
    assert dict(done.curves()) == {
        "fit-bayes": [{"iteration": 1.0, "loss": 0.5}, {"iteration": 2.0, "loss": 0.25}]
    }


def test_other_scans_of_the_same_names_are_not_paired(run, request_of, phantom_of, tmp_path):
    folders = [tmp_path / name for name in ("one-seed0", "one-seed1", "other")]
    for number, folder in enumerate(folders):
        data = phantom_of(seed=number // 2)
        run(request_of(folder=folder, data=data, rounds=0, only=("no-da",), seed=number))
    systems = {score.system for score in scores_of_runs(folders[:2])}
    assert systems == {"no-da"}
    with pytest.raises(DataError, match=r"other: the reference of case crossmoda_211 .*one-seed0"):
        scores_of_runs(folders)


@pytest.fixture
def old(tmp_path):
    """The folder of a run of one chain, as they were before runs had a record."""
    folder = tmp_path / "old"
    for name in ("crop", "fit-translator", "translate"):
        (folder / "stages" / name).mkdir(parents=True)
        manifest = {"stage": name, "finished": True, "wall_seconds": 2.5, "peak_memory_mib": 100}
        if name == "fit-translator":
            manifest["settings"] = {"translator": {"name": "nicegan"}}
        (folder / "stages" / name / "manifest.json").write_text(json.dumps(manifest))
    for stage, case in (("crop", "a"), ("crop", "t"), ("translate", "a")):
        (folder / f"stages/{stage}/{case}_image.nii.gz").touch()
    (folder / "recipe.toml").write_text("[pipeline]\nrounds = 2\n")
    write_scores(folder / "scores.csv", [Score("no-da", "x", "vs", "dice", 0.5)])
    return folder


def test_an_old_run_shows_what_it_has(old):
    run = open_run(old)
    assert run.systems == ["no-da"]
    assert run.structures == ["vs"]
    assert [stage.name for stage in run.stages()] == ["crop", "fit-translator", "translate"]
    (translated,) = run.translations()
    assert translated.translator == "nicegan"
    assert [case for case, *_ in translated.scans] == ["a"]
    assert [case for case, _ in translated.target] == ["t"]
    assert run.segmented() == []
    with pytest.raises(DataError, match="of an older version"):
        run.unused()


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(DataError, match="no run is here"):
        open_run(tmp_path)
