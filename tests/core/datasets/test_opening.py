"""How a folder finds its reader."""

from __future__ import annotations

import types

import pytest

from past_core import plugin
from past_core.datasets import open_dataset, recognise
from past_core.errors import ConfigError, DataError, PluginError
from past_core.plugins import DatasetSpec, Registry, hookimpl

CROSSMODA = "past_core.datasets.crossmoda.edition2021:CrossModa"


def module_with(*specs):
    """A plugin module that provides these readers."""
    module = types.ModuleType("third_party")
    module.past_datasets = hookimpl(lambda: specs)
    return module


@pytest.fixture
def registry():
    return Registry({"past-core": plugin})


def test_a_folder_is_opened_by_the_reader_that_recognises_it(
    registry, crossmoda_folder, datalist_folder
):
    assert open_dataset(registry, crossmoda_folder).name == "crossmoda"
    assert open_dataset(registry, datalist_folder).name == "small"


def test_a_named_reader_gets_its_settings(registry, datalist_folder):
    (datalist_folder / "dataset.json").rename(datalist_folder / "fold0.json")
    dataset = open_dataset(registry, datalist_folder, "datalist", {"file": "fold0.json"})
    assert len(dataset.source) == 2


def test_the_phantom_is_made_when_named(registry, tmp_path):
    values = {"source": 2, "target": 2, "test": 1, "matrix": 56, "slices": 8}
    dataset = open_dataset(registry, tmp_path / "made", "phantom", values)
    assert [len(part) for part in (dataset.source, dataset.target, dataset.test)] == [2, 2, 1]


def test_an_unknown_layout_lists_what_was_looked_for(registry, tmp_path):
    with pytest.raises(DataError) as error:
        recognise(registry, tmp_path)
    message = str(error.value)
    assert str(tmp_path) in message
    for name in ("crossmoda: ", "datalist: ", "phantom: "):
        assert name in message
    assert "--dataset" in message


def test_a_missing_folder_is_named(registry, tmp_path):
    with pytest.raises(DataError, match="missing: no such folder"):
        open_dataset(registry, tmp_path / "missing")


def test_two_readers_that_recognise_a_folder_are_named(crossmoda_folder):
    other = DatasetSpec("other", "Another.", f"{CROSSMODA}Reader", f"{CROSSMODA}Config")
    registry = Registry({"past-core": plugin, "third-party": module_with(other)})
    with pytest.raises(DataError, match=r"crossmoda or other\. Choose one with --dataset"):
        open_dataset(registry, crossmoda_folder)
    assert open_dataset(registry, crossmoda_folder, "other").name == "crossmoda"


def test_a_reader_that_cannot_be_loaded_does_not_stop_the_others(crossmoda_folder, caplog):
    broken = DatasetSpec("broken", "Lost.", "no_such_module:Reader", "no_such_module:Config")
    registry = Registry({"past-core": plugin, "third-party": module_with(broken)})
    assert recognise(registry, crossmoda_folder) == "crossmoda"
    assert "'broken' of third-party" in caplog.text


def test_unknown_names_and_settings_are_errors(registry, crossmoda_folder):
    with pytest.raises(PluginError, match="Did you mean 'crossmoda'"):
        open_dataset(registry, crossmoda_folder, "crosmoda")
    with pytest.raises(ConfigError, match=r"dataset\.crossmoda\.year: unknown key"):
        open_dataset(registry, crossmoda_folder, "crossmoda", {"year": 2022})
