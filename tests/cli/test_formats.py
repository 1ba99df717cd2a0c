"""Tables as other programs read them."""

from __future__ import annotations

import csv
import io

import pytest
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from past_cli.formats import written


@pytest.fixture
def table():
    table = Table(box=SIMPLE_HEAD, title="mean ± standard deviation")
    table.add_column("system")
    table.add_column("Dice\nvs", justify="right")
    table.add_row(Text("a_b", "bold"), "0.500±0.10")
    table.add_row("[red]c[/], d", "")
    return table


def test_csv_has_a_row_a_system(table):
    found = list(csv.reader(io.StringIO(written(table, "csv"))))
    assert found == [["system", "Dice vs"], ["a_b", "0.500±0.10"], ["c, d", ""]]


def test_markdown_is_a_table_under_its_title(table):
    title, empty, heading, rule, first, _ = written(table, "markdown").splitlines()
    assert (title, empty) == ("mean ± standard deviation", "")
    assert [cell.strip() for cell in heading.strip("|").split("|")] == ["system", "Dice vs"]
    assert rule.endswith(":|")  # aligned to the right
    assert [cell.strip() for cell in first.strip("|").split("|")] == ["a_b", "0.500±0.10"]


def test_latex_can_be_set(table):
    text = written(table, "latex")
    assert text.startswith("% mean")
    assert r"a\_b" in text
    assert r"0.500$\pm$0.10 \\" in text
    assert text.index(r"\toprule") < text.index(r"\bottomrule")
