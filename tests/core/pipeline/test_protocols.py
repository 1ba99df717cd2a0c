"""Which protocol a scan has, and which model serves one that none was made for."""

from __future__ import annotations

import numpy as np
import pytest

from past_core import DataError, Dataset, Labels, Volume, save_volume
from past_core.case import Case, Domain
from past_core.config import parse_config
from past_core.errors import ConfigError
from past_core.pipeline.protocols import ProtocolRule, assign_protocols, require_enough
from past_core.pipeline.routes import Routes


@pytest.fixture
def scan_of(tmp_path):
    """Write a scan: in-plane matrix and spacing in mm; slices are 1.5 mm apart."""

    def make(name, matrix, spacing=0.4, protocol=None, across=1.5):
        path = tmp_path / f"{name}.nii.gz"
        affine = np.diag([spacing, spacing, across, 1.0])
        save_volume(Volume(np.ones((*matrix, 4), np.float32), affine), path)
        return Case(name, Domain.TARGET, path, protocol=protocol)

    return make


def dataset(target, test=()):
    return Dataset("scans", Labels(("vs",)), (), tuple(target), tuple(test))


def protocols(rule, target, test=()):
    assigned = assign_protocols(dataset(target, test), parse_config(ProtocolRule, rule, "rule"))
    return [case.protocol for case in (*assigned.target, *assigned.test)]


def test_the_data_sets_own_protocols_are_kept(scan_of):
    scans = [scan_of("a", (8, 8), protocol="448"), scan_of("b", (8, 8), protocol="384")]
    assert protocols({}, scans) == ["448", "384"]


def test_scans_that_nothing_tells_apart_are_of_one_protocol(scan_of):
    assert protocols({}, [scan_of("a", (8, 8))], [scan_of("b", (6, 6))]) == ["all", "all"]
    told = [scan_of("c", (8, 8), protocol="448")]
    assert protocols({"by": "none"}, told) == ["all"]


def test_a_rule_by_matrix_names_protocols_by_themselves_or_as_told(scan_of):
    scans = [scan_of("a", (8, 8)), scan_of("b", (8, 6))]
    assert protocols({"by": "matrix"}, scans) == ["8", "8x6"]
    kinds = [{"name": "big", "matrix": (8, 8)}, {"name": "1.5T", "matrix": (8, 6)}]
    assert protocols({"by": "matrix", "kind": kinds}, scans) == ["big", "1.5T"]


def test_a_rule_by_spacing_allows_for_rounding(scan_of):
    kinds = [
        {"name": "fine", "spacing": (0.4, 0.4, 1.5)},
        {"name": "coarse", "spacing": (0.6, 0.6, 1.5)},
    ]
    scans = [scan_of("a", (8, 8), 0.4003), scan_of("b", (8, 8), 0.599)]
    assert protocols({"by": "spacing", "kind": kinds}, scans) == ["fine", "coarse"]
    assert protocols({"by": "spacing"}, scans[1:]) == ["0.599x0.599x1.5"]


def test_a_rule_by_name_looks_at_the_file(scan_of):
    kinds = [{"name": "london", "pattern": "*_ldn_*"}, {"name": "tilburg", "pattern": "*_etz_*"}]
    scans = [scan_of("crossmoda_ldn_1", (8, 8)), scan_of("crossmoda_etz_1", (8, 8))]
    assert protocols({"by": "name", "kind": kinds}, scans) == ["london", "tilburg"]


def test_a_column_of_a_table_tells_protocols(scan_of, tmp_path):
    table = tmp_path / "infos.csv"
    table.write_text("crossmoda_name,center\na,LDN\nb,ETZ\n")
    rule = {"by": "column", "file": table, "case": "crossmoda_name", "column": "center"}
    scans = [scan_of("a", (8, 8)), scan_of("b", (8, 8))]
    assert protocols(rule, scans) == ["LDN", "ETZ"]
    with pytest.raises(ConfigError, match=r"infos\.csv: no column centre; it has crossmoda_name"):
        protocols(rule | {"column": "centre"}, scans)
    with pytest.raises(ConfigError, match=r"other\.csv: not readable as a table"):
        protocols(rule | {"file": tmp_path / "other.csv"}, scans)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"by": "column"}, "needs the table"),
        ({"by": "name"}, "needs kinds"),
        ({"by": "matrix", "kind": [{"name": "a"}]}, "kind 'a' does not say its matrix"),
        ({"by": "centre"}, "'data', 'none', 'matrix', 'spacing', 'name' or 'column'"),
    ],
)
def test_an_incomplete_rule_is_refused(rule, message):
    with pytest.raises(ConfigError, match=message):
        parse_config(ProtocolRule, rule, "systems.protocols")


def test_training_scans_without_a_protocol_among_others_are_named(scan_of):
    scans = [scan_of("a", (8, 8), protocol="448"), scan_of("b", (8, 8))]
    with pytest.raises(DataError, match=r"1 target scan\(s\) have no protocol, such as .*b\.nii"):
        protocols({}, scans)


def test_a_protocol_of_one_scan_is_too_few(scan_of):
    scans = [scan_of(n, (8, 8), protocol="448" if n != "c" else "384") for n in "abc"]
    with pytest.raises(DataError, match=r"protocol 384 has 1 target scan\(s\).* need 2.*Add scans"):
        require_enough(dataset(scans), ProtocolRule())
    require_enough(dataset(scans[:2]), ProtocolRule())


class TestRoutes:
    @pytest.fixture
    def training(self, scan_of):
        return [
            *(scan_of(f"a{n}", (16, 16), 0.4, "448") for n in range(2)),
            *(scan_of(f"b{n}", (12, 12), 0.6, "384") for n in range(2)),
        ]

    def test_a_scan_goes_to_its_own_protocol(self, scan_of, training):
        routes = Routes.of(training, ProtocolRule())
        assert routes.of_case(scan_of("x", (12, 12), 0.6, "448")) == ("448",)

    @pytest.mark.parametrize(
        ("matrix", "spacing", "nearest"),
        [((15, 15), 0.42, "448"), ((12, 13), 0.58, "384"), ((20, 20), 0.3, "448")],
    )
    def test_an_unserved_one_goes_to_the_nearest(self, scan_of, training, matrix, spacing, nearest):
        routes = Routes.of(training, ProtocolRule())
        assert routes.of_case(scan_of("x", matrix, spacing, "512")) == (nearest,)
        assert routes.of_case(scan_of("y", matrix, spacing)) == (nearest,)

    def test_or_to_all_of_them(self, scan_of, training):
        routes = Routes.of(training, ProtocolRule(unserved="average"))
        assert routes.of_case(scan_of("x", (15, 15), 0.42, "512")) == ("448", "384")
