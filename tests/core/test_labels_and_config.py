"""Label values without gaps; settings whose errors say what is allowed."""

from __future__ import annotations

import pytest
from pydantic import Field, ValidationError

from past_core import ConfigError, DataError, Labels
from past_core.config import PluginConfig, parse_config


def test_labels_translate_names_and_values_both_ways():
    mapping = {"background": 0, "vs": 1, "cochlea": 2}
    labels = Labels.from_mapping(mapping, "dataset.json")
    assert labels.structures == ("vs", "cochlea")
    assert labels.as_mapping() == mapping
    assert [labels.value(structure) for structure in labels.structures] == [1, 2]


def test_ignore_is_one_above_the_highest_structure():
    labels = Labels(("vs", "cochlea"))
    assert labels.count == 3
    assert labels.ignore == 3


def test_the_order_in_the_mapping_does_not_matter():
    mapping = {"cochlea": 2, "background": 0, "vs": 1}
    assert Labels.from_mapping(mapping, "x").structures == ("vs", "cochlea")


@pytest.mark.parametrize(
    "mapping",
    [
        {"background": 0, "vs": 2},
        {"background": 0, "vs": 1, "cochlea": 1},
        {"vs": 1, "cochlea": 2},
        {"vs": 0, "background": 1},
        {"background": 0, "vs": -1},
        {},
    ],
)
def test_gaps_duplicates_and_a_missing_background_are_refused(mapping):
    with pytest.raises(DataError, match=r"dataset\.json: label values must be background 0"):
        Labels.from_mapping(mapping, "dataset.json")


def test_background_alone_is_refused():
    with pytest.raises(DataError, match="no structure besides background"):
        Labels.from_mapping({"background": 0}, "dataset.json")


class Inner(PluginConfig):
    """A table within a table."""

    depth: int = Field(default=1, ge=1)
    """Depth."""


class Outer(PluginConfig):
    """Settings with a range, a table and a list."""

    rate: float = Field(default=0.1, gt=0)
    """Learning rate."""
    inner: Inner = Inner()
    """More settings."""
    maybe: Inner | None = None
    """Settings that may be absent."""
    sizes: tuple[int, ...] = ()
    """Sizes."""


def test_defaults_hold_where_nothing_is_set():
    assert parse_config(Outer, {}, "x") == Outer()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"rates": 1}, "seg.rates: unknown key. Known keys: inner, maybe, rate, sizes."),
        ({"rate": -1}, "seg.rate: Input should be greater than 0, got -1."),
        ({"rate": "fast"}, "seg.rate: Input should be a valid number"),
        ({"inner": {"depth": 0}}, "seg.inner.depth: Input should be greater than or equal to 1"),
        ({"inner": {"width": 0}}, "seg.inner.width: unknown key. Known keys: depth."),
        ({"maybe": {"width": 0}}, "seg.maybe.width: unknown key. Known keys: depth."),
        ({"sizes": [1, "x"]}, "seg.sizes.1: Input should be a valid integer"),
    ],
)
def test_a_wrong_setting_names_its_key_the_value_and_what_is_allowed(values, expected):
    with pytest.raises(ConfigError) as caught:
        parse_config(Outer, values, "seg")
    assert expected in str(caught.value)


def test_all_wrong_settings_are_named_at_once():
    with pytest.raises(ConfigError) as caught:
        parse_config(Outer, {"rate": 0, "no": 1, "sizes": 3}, "seg")
    assert {line.split(":")[0] for line in str(caught.value).splitlines()} == {
        "seg.rate",
        "seg.no",
        "seg.sizes",
    }


def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(ValidationError, match="frozen"):
        Outer().rate = 2


def test_docstrings_below_fields_become_their_descriptions():
    assert Outer.model_fields["rate"].description == "Learning rate."


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("vs", "ignore"), "structure 'ignore' is taken"),
        (("background",), "structure 'background' is taken"),
        (("vs", "vs"), "structure 'vs' is used twice"),
        (("vs", " "), "structure ' ' is empty"),
        (tuple(f"s{n}" for n in range(255)), "255 structures, more than 254"),
    ],
)
def test_structures_that_cannot_be_are_refused(names, message):
    with pytest.raises(DataError, match=f"structures: .*{message}"):
        Labels(names)
    if len(set(names)) == len(names) and "background" not in names:
        mapping = {"background": 0, **{name: n for n, name in enumerate(names, start=1)}}
        with pytest.raises(DataError, match=f"list.json: .*{message}"):
            Labels.from_mapping(mapping, "list.json")


def test_as_many_structures_as_bytes_can_tell_apart():
    assert Labels(tuple(f"s{n}" for n in range(254))).ignore == 255
