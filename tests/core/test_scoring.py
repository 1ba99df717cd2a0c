"""Rows of scores: computing, writing, reading, summarising."""

from __future__ import annotations

import math

import numpy as np
import pytest

from past_core import DataError, Labels, Volume
from past_core.config import PluginConfig
from past_core.interfaces import Metric
from past_core.scoring import MEAN, Score, read_scores, score_case, summarise, write_scores

LABELS = Labels(("vs", "cochlea"))


class VolumeError(Metric):
    """Difference of volumes in mm³: needs the spacing, and no framework."""

    def __call__(self, masks):
        difference = float(masks.prediction.sum()) - float(masks.reference.sum())
        return abs(difference) * math.prod(masks.spacing)


@pytest.fixture
def volume():
    def volume(count, affine=None):
        data = np.zeros((4, 5, 6), np.uint8)
        data.flat[:count] = 1
        return Volume(data, np.diag([0.5, 1, 2, 1.0]) if affine is None else affine)

    return volume


def test_a_case_gives_a_row_for_every_structure_and_metric(volume):
    metrics = {"a": VolumeError(PluginConfig()), "b": VolumeError(PluginConfig())}
    rows = score_case(volume(7), volume(3), LABELS, metrics, system="st1", case="x")
    assert rows == [
        Score("st1", "x", "vs", "a", 4.0),
        Score("st1", "x", "cochlea", "a", 0.0),
        Score("st1", "x", "vs", "b", 4.0),
        Score("st1", "x", "cochlea", "b", 0.0),
    ]


def test_a_prediction_on_another_grid_is_refused(volume):
    metrics = {"volume": VolumeError(PluginConfig())}
    moved = np.diag([0.5, 1, 2, 1.0])
    moved[0, 3] = 3
    with pytest.raises(DataError, match=r"case x: the prediction of st1 .* another grid"):
        score_case(volume(7, moved), volume(3), LABELS, metrics, system="st1", case="x")
    small = Volume(np.zeros((4, 5, 5), np.uint8), np.diag([0.5, 1, 2, 1.0]))
    with pytest.raises(DataError, match=r"\(4, 5, 5\).*\(4, 5, 6\)"):
        score_case(small, volume(3), LABELS, metrics, system="st1", case="x")


def test_scores_read_back_exactly(tmp_path):
    rows = [
        Score("no-da", "case, with comma", "vs", "dice", 0.1 + 0.2),
        Score("no-da", 'quoted "case"', "vs", "dice", 1 / 3),
        Score("st1", "ünïcode", "vs", "assd", 1e-17),
        Score("st1", "float32", "vs", "assd", float(np.float32(0.7))),
        Score("st1", "line\nbreak", "vs", "assd", math.inf),
    ]
    write_scores(tmp_path / "deep" / "scores.csv", rows)
    assert read_scores(tmp_path / "deep" / "scores.csv") == rows
    header = (tmp_path / "deep" / "scores.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == "system,case,structure,metric,value,route,part"


def test_undefined_values_and_numpy_numbers_read_back(tmp_path):
    write_scores(
        tmp_path / "s.csv",
        [Score("a", "1", "vs", "assd", math.nan), Score("a", "2", "vs", "assd", np.float64(0.25))],
    )
    undefined, quarter = read_scores(tmp_path / "s.csv")
    assert math.isnan(undefined.value)
    assert quarter.value == 0.25


def test_a_failed_write_leaves_the_old_table_and_nothing_else(tmp_path):
    path = tmp_path / "scores.csv"
    write_scores(path, [Score("a", "1", "vs", "dice", 0.5)])

    def rows():
        yield Score("b", "1", "vs", "dice", 0.6)
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        write_scores(path, rows())
    assert read_scores(path) == [Score("a", "1", "vs", "dice", 0.5)]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("system,case,structure,value\na,1,vs,0.5\n", "no column metric"),
        ("", "no column system, case, structure, metric, value"),
        ("system,case,structure,metric,value\na,1,vs,dice,high\n", "line 2: the value is 'high'"),
        ("system,case,structure,metric,value\na,1,vs,dice\n", "line 2: the value is ''"),
    ],
)
def test_a_damaged_table_is_refused_by_file_and_line(tmp_path, text, message):
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(DataError, match=rf"s\.csv.*{message}"):
        read_scores(tmp_path / "s.csv")


def test_a_missing_table_is_refused_by_name(tmp_path):
    with pytest.raises(DataError, match=r"absent\.csv"):
        read_scores(tmp_path / "absent.csv")


def rows_of(system, metric, by_structure):
    return [
        Score(system, f"c{n}", structure, metric, value)
        for structure, values in by_structure.items()
        for n, value in enumerate(values)
    ]


def test_summary_is_mean_and_sample_deviation_over_cases():
    found = summarise(rows_of("a", "dice", {"vs": [0.2, 0.4, 0.9]}))
    vs = found[0]
    assert (vs.system, vs.structure, vs.metric, vs.n) == ("a", "vs", "dice", 3)
    assert vs.mean == pytest.approx(0.5)
    assert vs.sd == pytest.approx(math.sqrt((0.3**2 + 0.1**2 + 0.4**2) / 2))


def test_the_mean_over_structures_is_taken_in_each_case_first():
    found = summarise(rows_of("a", "dice", {"vs": [0.2, 0.8], "cochlea": [0.4, 0.6]}))
    mean = found[-1]
    assert mean.structure == MEAN
    assert mean.mean == pytest.approx(0.5)
    assert mean.sd == pytest.approx(math.sqrt(2 * 0.2**2))  # of 0.3 and 0.7
    assert mean.n == 2


def test_undefined_values_are_left_out_and_counted():
    vs, cochlea, mean = summarise(
        rows_of("a", "assd", {"vs": [1.0, math.nan, 3.0], "cochlea": [math.nan] * 3})
    )
    assert (vs.mean, vs.n, vs.undefined) == (2.0, 2, 1)
    assert math.isnan(cochlea.mean)
    assert (cochlea.n, cochlea.undefined) == (0, 3)
    assert (mean.mean, mean.n, mean.undefined) == (2.0, 2, 1)


def test_one_case_has_no_deviation():
    assert math.isnan(summarise(rows_of("a", "dice", {"vs": [0.5]}))[0].sd)


def test_an_infinite_value_shows_in_the_mean():
    vs = summarise(rows_of("a", "hd", {"vs": [1.0, math.inf]}))[0]
    assert vs.mean == math.inf
    assert math.isnan(vs.sd)


def test_systems_and_metrics_keep_their_order():
    rows = rows_of("st1", "dice", {"vs": [1.0]}) + rows_of("no-da", "dice", {"vs": [0.0]})
    rows += rows_of("st1", "assd", {"vs": [0.1]})
    assert [(s.system, s.metric) for s in summarise(rows) if s.structure == "vs"] == [
        ("st1", "dice"),
        ("st1", "assd"),
        ("no-da", "dice"),
    ]


def test_a_case_scored_twice_is_refused():
    row = Score("a", "c0", "vs", "dice", 0.5)
    with pytest.raises(DataError, match="two values of dice for vs in case c0"):
        summarise([row, row])


def test_no_rows_give_no_summary():
    assert summarise([]) == []
