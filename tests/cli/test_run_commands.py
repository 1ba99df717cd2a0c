"""Commands about runs and systems that train nothing."""

from __future__ import annotations

import json

import pytest

from past_core.pipeline import chain, dump_systems
from past_core.scoring import Score, write_scores


@pytest.fixture
def finished(tmp_path):
    folder = tmp_path / "run"
    for name in ("score-a-1", "fit-old-2"):
        (folder / "stages" / name).mkdir(parents=True)
        manifest = {"stage": name, "finished": True, "wall_seconds": 3, "peak_memory_mib": 9}
        (folder / "stages" / name / "manifest.json").write_text(json.dumps(manifest))
    record = {
        "labels": {"background": 0, "vs": 1},
        "systems": [{"name": "a", "segmentations": "x", "scores": "score-a-1"}],
        "cases": {"source": [], "target": [], "test": []},
        "translations": [],
        "scans": {},
        "left_out": {"oracle": "no labels are there"},
        "stages": ["score-a-1"],
    }
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "systems.toml").write_text('summary = "mine"\n')
    write_scores(folder / "scores.csv", [Score("a", "x", "vs", "dice", 0.625)])
    return folder


def test_show_prints_scores_stages_and_what_was_left_out(past_cli, finished):
    done = past_cli("show", finished, "--stages", "--systems")
    assert done.code == 0, done.err
    for text in ("0.625", "score-a-1", "oracle is left out: no labels", 'summary = "mine"'):
        assert text in done.out
    assert "fit-old-2" not in done.out


@pytest.mark.parametrize("until", ["check", "translate"])
def test_a_run_may_stop_before_anything_is_segmented(past_cli, tmp_path, until):
    phantom = {"source": 2, "target": 2, "test": 1, "matrix": 56, "slices": 8}
    options = [f"--set=dataset.{key}={value}" for key, value in phantom.items()]
    done = past_cli(
        *("pipeline", "--translator", "histogram", "--until", until),
        *("--out", tmp_path / "run", *options),
    )
    assert done.code == 0, done.err
    assert "Nothing is scored" in done.out
    panels = [path.name for path in (tmp_path / "run/panels").iterdir()]
    assert panels == ([] if until == "check" else ["translation.png"])


def test_clean_says_what_it_removes_and_how_much(past_cli, finished):
    dry = past_cli("clean", finished, "--dry-run")
    assert "1 stage(s)" in dry.out
    assert "would be removed" in dry.out
    assert (finished / "stages/fit-old-2").exists()
    done = past_cli("clean", finished)
    assert "fit-old-2" in done.out
    assert not (finished / "stages/fit-old-2").exists()
    assert (finished / "stages/score-a-1").exists()


def test_clean_of_a_folder_that_cannot_be_written_to_names_no_option_it_lacks(past_cli, finished):
    (finished / ".lock").mkdir()  # as a read-only file system, the lock cannot be taken
    done = past_cli("clean", finished)
    assert done.code == 1
    assert f"{finished}: cannot be written to" in done.err
    assert "Let yourself write there" in done.err
    assert "--out" not in done.err
    assert (finished / "stages/fit-old-2").exists()


def test_clean_says_what_it_cannot_remove(past_cli, finished, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("shutil.rmtree", refuse)
    done = past_cli("clean", finished)
    assert done.code == 1
    assert "fit-old-2: cannot be removed ([Errno 13] Permission denied" in done.err


def test_clean_removes_a_link_and_not_where_it_leads(past_cli, finished, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").write_text("")
    (finished / "stages/link-old-3").symlink_to(elsewhere)
    assert past_cli("clean", finished).code == 0
    assert not (finished / "stages/link-old-3").is_symlink()
    assert (elsewhere / "mine").exists()


MADE = {
    "versions": {"python": "3.11.7", "numpy": "2.3.1"},
    "hardware": {
        "system": "Linux 6.1 x86_64",
        "cpu": "A Processor",
        "cores": 2,
        "memory_gib": 15.6,
        "gpu": "A GPU",
    },
    "threads": 2,
    "plugins": {
        "segmenter mine": {
            "distribution": "past-mine",
            "version": "0.3",
            "revision": {"commit": "0123456789abcdef", "dirty": True},
        }
    },
}


def test_show_says_where_a_run_comes_from(past_cli, finished):
    (finished / "stages/fit-a-3").mkdir()
    manifest = {"stage": "fit-a", "finished": True, "wall_seconds": 3, "peak_memory_mib": 9}
    path = finished / "stages/fit-a-3/manifest.json"
    path.write_text(json.dumps(manifest | MADE))
    record = json.loads((finished / "run.json").read_text())
    record |= {"command": ["pipeline", "--out", "a b"], "seed": 7, "device": "cpu", "data": None}
    record["stages"].append("fit-a-3")
    (finished / "run.json").write_text(json.dumps(record))
    assert "past-mine" not in past_cli("show", finished).out
    done = past_cli("show", finished, "--provenance")
    assert done.code == 0, done.err
    for said in (
        "past-cli pipeline --out 'a b'",
        "1 stage (fit-a):",
        "python 3.11.7, numpy 2.3.1",
        "A Processor, 2 cores, 15.6 GiB, A GPU, Linux 6.1 x86_64; threads: 2",
        "past-mine 0.3, git 0123456789ab with changes",
    ):
        assert said in done.out
    assert "1 stage (score-a-1):" not in done.out, "an older one, of which nothing is known"


def test_systems_are_listed_and_printed_to_start_from(past_cli, tmp_path):
    listed = past_cli("systems").out
    assert "nnunet448, nnunet384, nnunet-con" in listed
    looks = "source-looks, translated-looks, looks-st1, looks-st2"
    assert f"no-da, translated, st1, st2, {looks}, final" in listed
    printed = past_cli("systems", "table1").out
    path = tmp_path / "mine.toml"
    path.write_text(printed)
    assert past_cli("systems", path).out == printed
    assert "neither built in (chain, past2022, routed, table1)" in past_cli("systems", "table2").err


def test_rank_says_how_well_figures_rank(past_cli, finished):
    assert "no system of this run chooses" in past_cli("rank", finished).err
    dice = {"a": 0.1, "b": 0.4, "c": 0.6, "d": 0.7}
    scores = [Score(name, "x", "vs", "dice", value) for name, value in dice.items()]
    write_scores(finished / "scores.csv", scores)
    record = json.loads((finished / "run.json").read_text())
    record["systems"][0]["choice"] = "choose-a-3"
    (finished / "run.json").write_text(json.dumps(record))
    flip = {"a": 0.2, "b": 0.3, "c": 0.9, "d": 0.8}
    choice = {"chosen": "c", "ranks": dict.fromkeys(flip, 1.0), "means": {"flip": flip}}
    choice["figures"] = {"flip": {name: {"x": value} for name, value in flip.items()}}
    (finished / "stages/choose-a-3").mkdir()
    (finished / "stages/choose-a-3/choice.json").write_text(json.dumps(choice))
    record["systems"][0]["trust"] = "trust-a-4"
    (finished / "run.json").write_text(json.dumps(record))
    systems = "".join(f'[[system]]\nname = "{name}"\nuse = "m"\n' for name in flip)
    model = '[[model]]\nname = "m"\nsegmenter = "resunet"\nimages = [{ from = "source" }]\n'
    (finished / "systems.toml").write_text(model + systems)
    (finished / "stages/trust-a-4").mkdir()
    cases = {"w": 0.1, "x": 0.4, "y": 0.3, "z": 0.9}
    trust = {"system": "d", "figures": {"flip": cases}}
    (finished / "stages/trust-a-4/trust.json").write_text(json.dumps(trust))
    write_scores(
        finished / "scores.csv",
        [
            Score("a", case, "vs", "dice", value)
            for case, value in zip("wxyz", (0, 0.1, 0.2, 0.1), strict=True)
        ]
        + scores[1:],
    )
    assert "Segmentations of a to look at first:" in past_cli("show", finished).out
    done = past_cli("rank", finished)
    row, by_scan = [line for line in done.out.splitlines() if "flip" in line]
    assert by_scan.split()[-2:] == ["4", "0.100"]
    assert row.split()[1] == "+0.80"
    assert row.split()[-2:] == ["4", "0.100"]


def test_show_says_what_was_chosen_and_by_which_figures(past_cli, finished):
    record = json.loads((finished / "run.json").read_text())
    record["systems"][0]["choice"] = "choose-a-3"
    (finished / "run.json").write_text(json.dumps(record))
    choice = {
        "chosen": "st1",
        "ranks": {"no-da": 2.0, "st1": 1.0},
        "means": {"agreement": {"no-da": 0.25, "st1": 0.875}},
        "figures": {},
    }
    (finished / "stages/choose-a-3").mkdir()
    (finished / "stages/choose-a-3/choice.json").write_text(json.dumps(choice))
    (finished / "systems.toml").write_text(dump_systems(chain(rounds=1)))
    done = past_cli("show", finished)
    said = " ".join(done.out.split())
    assert (
        "a is st1, chosen without target labels (agreement 0.875 against 0.250 of no-da, the next)."
    ) in said
    assert "Left out" not in said, "no-da has nothing that st1 has not"
    assert "* st1" in done.out
    assert "0.250" in done.out
    choice |= {"chosen": "no-da", "ranks": {"no-da": 1.0, "st1": 2.0}}
    (finished / "stages/choose-a-3/choice.json").write_text(json.dumps(choice))
    said = " ".join(past_cli("show", finished).out.split())
    assert "a is no-da, chosen without target labels" in said
    assert "Left out so: translation aligned, round 1 of resunet." in said
