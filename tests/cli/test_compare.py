"""Several runs in one table."""

import math

import pytest

from past_core.comparison import compare_runs, group_runs
from past_core.errors import DataError
from past_core.scoring import Score, write_scores


@pytest.fixture
def runs(tmp_path):
    """Two seeds of one translator and one of another; Dice by run, case and structure."""
    dice = {
        "nicegan-seed0": {"a": (0.5, 0.7), "b": (0.7, 0.9)},
        "nicegan-seed1": {"a": (0.8, 0.8), "b": (0.8, 1.0)},
        "fda-seed0": {"a": (0.1, 0.2), "b": (0.3, 0.2)},
    }
    for name, cases in dice.items():
        rows = [
            Score(system, case, structure, "dice", value - (system == "no-da") * 0.1)
            for system in ("no-da", "translated")
            for case, values in cases.items()
            for structure, value in zip(("vs", "cochlea"), values, strict=True)
        ]
        write_scores(tmp_path / name / "scores.csv", rows)
    return [tmp_path / name for name in dice]


def test_runs_of_one_name_are_one_row(runs):
    rows = {(s.system, s.structure): s for s in compare_runs(runs, ["translated"])}
    vs = rows["nicegan", "vs"]
    assert (vs.mean, vs.n) == (pytest.approx(0.7), 2)
    assert vs.sd == pytest.approx(0.1 * 2**0.5)
    assert rows["nicegan", "mean"].mean == pytest.approx((0.7 + 0.85) / 2)
    assert rows["fda", "cochlea"].mean == pytest.approx(0.2)
    assert rows["fda", "cochlea"].n == 1


def test_all_systems_are_compared_unless_some_are_named(runs):
    systems = {summary.system for summary in compare_runs(runs)}
    assert systems == {f"{t} {s}" for t in ("nicegan", "fda") for s in ("no-da", "translated")}


@pytest.mark.parametrize(
    ("name", "group"),
    [("x-seed12", "x"), ("x_3", "x"), ("unet2-s1", "unet2"), ("plain", "plain"), ("x.1", "x")],
)
def test_a_group_is_the_name_without_its_last_number(tmp_path, name, group):
    assert list(group_runs([tmp_path / name])) == [group]


@pytest.mark.parametrize("name", ["recipe.toml", "systems.toml"])
def test_runs_of_other_settings_are_not_mixed(runs, name):
    for number, run in enumerate(runs):
        (run / name).write_text(f"summary = '{number}'\n")
    with pytest.raises(DataError, match=r"nicegan-seed1.*differ.*nicegan-seed0.*Rename"):
        compare_runs(runs)


def test_the_command_prints_the_table(past_cli, runs):
    done = past_cli("compare", *runs, "--system", "translated")
    assert done.code == 0, done.err
    assert "0.700±0.14" in done.out
    assert "over runs of translated" in done.out


def test_a_table_in_a_pipe_is_not_cut(past_cli, runs):
    long = [run.rename(run.with_name(f"{'a-rather-long-name-' * 4}{run.name}")) for run in runs]
    done = past_cli("compare", *long, "--system", "translated")
    assert "0.700±0.14" in done.out
    assert "…" not in done.out


def test_an_unknown_system_is_named_with_those_there_are(past_cli, runs):
    done = past_cli("compare", *runs, "--system", "oracle")
    assert done.code != 0
    assert "no system oracle; there are no-da, translated" in done.err


@pytest.mark.parametrize("options", [[], ["--against", "no-da"], ["--system", "translated"]])
@pytest.mark.parametrize("scores", [None, []])
def test_a_run_without_scores_says_so(past_cli, runs, tmp_path, options, scores):
    bare = tmp_path / "bare-seed0"
    (bare / "stages").mkdir(parents=True)
    if scores is not None:
        write_scores(bare / "scores.csv", scores)
    done = past_cli("compare", runs[0], bare, *options)
    assert done.code == 1
    assert f"{bare}: this run has no scores" in done.err
    assert "--until" in done.err


def test_systems_are_compared_case_by_case(past_cli, runs):
    done = past_cli("compare", *runs[:2], "--against", "no-da")
    assert done.code == 0, done.err
    (row,) = [line for line in done.out.splitlines() if "translated" in line]
    assert row.count("+0.100 p=0.500") == 3
    assert row.split()[-1] == "2"
    assert "gap" not in done.out


def test_groups_are_compared_case_by_case(past_cli, runs):
    options = ("--against", "fda translated", "--system", "nicegan translated")
    done = past_cli("compare", *runs, *options)
    assert "nicegan translated   +0.500 p=" in done.out, done.out
    wrong = past_cli("compare", *runs, "--against", "translated")
    assert wrong.code != 0
    assert "no system translated has a value of dice; there are nicegan no-da," in wrong.err


def test_the_share_of_the_gap_that_is_closed_is_shown(past_cli, runs):
    (run,) = runs[2:]
    rows = [
        Score(system, case, "vs", "dice", value)
        for system, value in (("no-da", 0.1), ("translated", 0.6), ("oracle", 0.9))
        for case in "abc"
    ]
    write_scores(run / "scores.csv", rows)
    done = past_cli("compare", run, "--against", "no-da")
    assert "gap closed" in done.out
    assert "62 %" in done.out


def test_a_difference_of_fewer_cases_says_so(past_cli, tmp_path):
    """An undefined distance of one structure leaves that case out there."""
    rows = [
        Score(system, case, structure, "assd", value)
        for system, more in (("a", 0.0), ("b", 1.0))
        for case, vs in (("x", 1.0), ("y", 2.0), ("z", math.nan))
        for structure, value in (("vs", vs + more), ("cochlea", 1.0 + more))
    ]
    write_scores(tmp_path / "run/scores.csv", rows)
    out = past_cli("compare", tmp_path / "run", "--against", "a", "--metric", "assd").out
    row = next(line for line in out.splitlines() if line.split()[:1] == ["b"])
    assert row.count("(n=2)") == 2, "of vs, and of the mean over both"
    assert row.split()[-1] == "3"


def test_systems_are_ranked_as_challenges_do(past_cli, runs):
    (run,) = runs[2:]
    rows = [
        Score(system, case, "vs", metric, value)
        for system, values in (("a", (0.1, 9.0)), ("b", (0.6, 2.0)), ("c", (0.6, 3.0)))
        for case in "xyz"
        for metric, value in zip(("dice", "assd"), values, strict=True)
    ]
    write_scores(run / "scores.csv", rows)
    done = past_cli("compare", run, "--ranking", "--format", "csv")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "system,place,95 % of places,mean rank,first"
    assert lines[1:] == ["b,1,1,1.00,100%", "c,2,2,1.50,0%", "a,3,3,3.00,0%"]
    fewer = past_cli("compare", run, "--ranking", "--system", "a", "--system", "c").out
    assert "over 3 cases" in fewer
    assert "b" not in [line.split()[0] for line in fewer.splitlines() if line.split()]


def test_tables_can_be_pasted_into_markdown(past_cli, runs):
    out = past_cli("compare", *runs, "--format", "markdown").out
    assert "| nicegan translated " in out
    assert out.count("|:--") == 1
