"""The report: one file, with all that a run can tell, that asks nothing of the network."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser

import pytest

from past_core.scoring import Score, read_scores, write_scores
from tests.fuzz.runs import a_run


class Page(HTMLParser):
    """Tables, links and pictures of a page."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.tags, self.ids, self.targets, self.pictures = {}, [], [], [], []
        self._rows = self._caption = self._cell = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "a":
            self.targets.append(attributes["href"])
        if tag == "img":
            self.pictures.append(attributes)
        if tag == "table":
            self._rows = []
        if tag == "tr":
            self._rows.append([])
        if tag in ("th", "td", "caption"):
            self._cell = ""

    def handle_data(self, data):
        if self._cell is not None:
            self._cell += data

    def handle_endtag(self, tag):
        if tag == "caption":
            self._caption, self._cell = self._cell, None
        if tag in ("th", "td"):
            self._rows[-1].append(self._cell)
            self._cell = None
        if tag == "table":
            self.tables[self._caption] = self._rows


@pytest.fixture
def run(tmp_path):
    folder = a_run(tmp_path)
    rows = read_scores(folder / "scores.csv")
    cases = [(system, f"c{n}", 0.9 - 0.1 * n) for system in ("no-da", "st1") for n in range(3)]
    rows += [
        Score(system, case, structure, "dice", value)
        for system, case, value in [*cases, ("final", "c0", 0.7), ("final", "c1", 0.2)]
        for structure in ("vs", "cochlea")
    ]
    write_scores(folder / "scores.csv", rows)
    return folder


@pytest.fixture
def page_of(past_cli, tmp_path):
    def page_of(*runs):
        done = past_cli("report", *runs, "--out", tmp_path / "page.html")
        assert done.code == 0, done.err
        assert done.out.strip() == str(tmp_path / "page.html")
        text = (tmp_path / "page.html").read_text("utf-8")
        return Page(text), text

    return page_of


def test_nothing_is_asked_of_the_network(run, page_of):
    page, text = page_of(run)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert all(one["src"].startswith("data:image/") for one in page.pictures)
    assert not re.search(r"https?://", text)
    assert "@import" not in text


def test_every_link_leads_somewhere_and_every_picture_has_words(run, page_of):
    page, _ = page_of(run)
    assert page.targets
    assert all(target.startswith("#") for target in page.targets)
    assert {target[1:] for target in page.targets} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert all(one["alt"] for one in page.pictures)
    for one in page.pictures:
        kind, content = one["src"].split(";base64,")
        begins = b"<?xml" if kind.endswith("svg+xml") else b"\x89PNG"
        assert base64.b64decode(content).startswith(begins)


def test_scores_are_those_of_the_run(run, page_of):
    page, _ = page_of(run)
    table = page.tables["Dice: mean over test scans, with its 95 % interval"]
    assert table[0] == ["system", "vs", "cochlea", "mean"]
    assert [row[0] for row in table[1:]] == ["no-da", "st1", "final"]
    assert table[1][1:] == ["0.800", "0.800", "0.800"]
    assert table[3][1] == "0.450"


def test_the_worst_scan_is_on_top(run, page_of):
    page, _ = page_of(run)
    (caption,) = (one for one in page.tables if one.startswith("every scan that"))
    assert caption == "every scan that final segmented, the worst first"
    assert [row[0] for row in page.tables[caption][1:3]] == ["c1", "c0"]


def test_it_says_which_system_to_take_and_what_went_wrong(run, page_of):
    (selection,) = (run / "stages").glob("select-*/selection.json")
    content = json.loads(selection.read_text())
    for case in content["cases"].values():
        case["predicted"] |= {"vs": 0}
        case["kept"] |= {"vs": 0}
    selection.write_text(json.dumps(content))
    _, text = page_of(run)
    assert "<strong>Take final, which is " in text
    assert "What went wrong on the way" in text
    assert "vs was predicted in no target scan" in text


def test_without_labels_it_goes_by_figures_of_trust(run, page_of):
    (run / "scores.csv").unlink()
    page, text = page_of(run)
    assert "Nothing is scored" in text
    table = page.tables["every scan that final segmented, the worst first"]
    assert table[0] == ["scan", "agreement"]
    assert len(table) == 2


def test_what_others_named_is_text(run, page_of):
    name = "<script>alert(1)</script>"
    rows = [Score("st1", name, "vs", "dice", 0.5), Score("final", name, "vs", "dice", 0.1)]
    write_scores(run / "scores.csv", rows)
    page, text = page_of(run)
    assert name not in text
    assert page.tables["every scan that final segmented, the worst first"][1][0] == name


def test_runs_stand_side_by_side(run, page_of, tmp_path):
    other = tmp_path / "again-seed1"
    (tmp_path / "run").rename(tmp_path / "again-seed0")
    (tmp_path / "other").mkdir()
    a_run(tmp_path / "other").rename(other)
    write_scores(other / "scores.csv", [Score("st1", "c0", "vs", "dice", 0.5)])
    page, text = page_of(tmp_path / "again-seed0", other)
    table = page.tables["mean ± standard deviation over runs"]
    assert {row[0] for row in table[1:]} == {f"again {one}" for one in ("no-da", "st1", "final")}
    assert text.count("<section") == 2
    assert len(page.ids) == len(set(page.ids))


def test_a_run_ends_by_writing_it(past_cli, tmp_path):
    phantom = {"source": 2, "target": 2, "test": 1, "matrix": 56, "slices": 8}
    options = [f"--set=dataset.{key}={value}" for key, value in phantom.items()]
    command = ("pipeline", "--translator", "histogram", "--until", "translate", *options)
    out = tmp_path / "run"
    done = past_cli(*command, "--out", out)
    assert done.code == 0, done.err
    page = Page((out / "report.html").read_text("utf-8"))
    assert [one["alt"][:14] for one in page.pictures] == ["Source scans, ", "time and memor"]
    assert str(out / "report.html") in done.out
    written = (out / "report.html").stat().st_mtime_ns
    past_cli(*command, "--out", out)
    assert (out / "report.html").stat().st_mtime_ns == written
    (out / "report.html").unlink()
    past_cli(*command, "--out", out)
    assert (out / "report.html").is_file()
