"""The translator's label-free figures, as they are shown."""

import json

import pytest
from rich.console import Console

from past_cli.quality import quality_table, quality_tables, verdict
from past_core.pipeline import open_run


def figures(score, cycle=12.34):
    return {
        "looks": 0.75,
        "recovery": {"vs": 0.81, "cochlea": None},
        "agreement": {"vs": 0.72, "cochlea": None},
        "cycle": cycle,
        "continuity": 1.07,
        "score": score,
    }


@pytest.fixture
def report():
    return {
        "translators": {"50": figures(0.2), "100": figures(0.4)},
        "chosen": 100,
        "baselines": {"histogram": figures(0.3, cycle=None)},
        "beats_baselines": True,
    }


def shown(table):
    console = Console(width=80, no_color=True)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def test_the_table_fits_a_terminal_and_marks_the_chosen_translator(report):
    lines = shown(quality_table(report, ("vs", "cochlea"))).splitlines()
    (chosen,) = (line for line in lines if "*" in line)
    assert chosen.split() == [
        *("*", "step", "100", "0.750", "0.810,", "0.720", ","),
        *("12.3", "1.07", "0.400"),
    ]
    assert any(line.split()[:2] == ["histogram", "0.750"] for line in lines)
    assert not any("…" in line for line in lines)


def test_the_verdict_says_what_was_beaten(report):
    assert verdict(report, "nicegan") == "nicegan beats histogram by these figures."
    assert "not earned its hours" in verdict(report | {"beats_baselines": False}, "nicegan")


def test_figures_are_read_from_the_run_if_there_are_any(report, tmp_path):
    (tmp_path / "stages/measure-aligned-0").mkdir(parents=True)
    entry = {"name": "aligned", "protocol": "448", "translator": "nicegan", "target": []}
    entry |= {"fit": "fit-aligned-0", "images": "translate-aligned-0"}
    entry |= {"measured": "measure-aligned-0"}
    cases = {"source": [], "target": [], "test": []}
    content = {"labels": {"background": 0, "vs": 1, "cochlea": 2}, "cases": cases, "scans": {}}
    content |= {"systems": [], "stages": ["fit-aligned-0"]}
    (tmp_path / "run.json").write_text(json.dumps(content | {"translations": [entry]}))
    assert list(quality_tables(open_run(tmp_path))) == []
    record = tmp_path / "stages/measure-aligned-0/record"
    record.mkdir()
    (record / "quality.json").write_text(json.dumps(report))
    ((table, said, good),) = quality_tables(open_run(tmp_path))
    assert "aligned@448" in table.title
    assert "cochlea" in shown(table)
    assert said == "nicegan beats histogram by these figures."
    assert good
