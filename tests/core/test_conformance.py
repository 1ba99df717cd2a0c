"""Our own plugins, found as users' are, against the conformance suite."""

from __future__ import annotations

import json

import pytest
import torch

from past_core.case import Domain
from past_core.interfaces import Views
from past_core.plugins import Registry
from past_core.testing import (
    check_metric,
    check_module,
    check_online_strategy,
    check_reader,
    check_segmenter,
    check_spec,
    check_strategy,
    check_translator,
    check_validator,
    tiny_cases,
)
from tests.core import trees

REGISTRY = Registry()
KINDS = ("dataset", "translator", "segmenter", "strategy", "metric", "validator")

TINY = {
    "folders": {
        name: name for name in ("source", "source_labels", "target", "test", "test_labels")
    },
    "nicegan": {
        "channels": 4,
        "blocks": 1,
        "heads": [1],
        "crop": 24,
        "iterations": 6,
        "checkpoint_interval": 2,
        "precision": "float32",
        "quality": {"cases": 0},
    },
    "cyclegan": {
        "channels": 4,
        "blocks": 1,
        "stages": 1,
        "pool": 3,
        "crop": 24,
        "iterations": 6,
        "checkpoint_interval": 2,
        "precision": "float32",
        "quality": {"cases": 0},
    },
    "cut": {
        "channels": 4,
        "blocks": 1,
        "stages": 1,
        "positions": 16,
        "features": 8,
        "crop": 24,
        "iterations": 6,
        "checkpoint_interval": 2,
        "precision": "float32",
        "quality": {"cases": 0},
    },
    "nnunet": {
        "optimizer": "adamw",
        "iterations": 4,
        "iterations_per_epoch": 1,
        "base_features": 4,
        "max_features": 8,
        "patch_voxels": 4096,
        "batch_size": 2,
        "mirroring": False,
        "tile_step": 1.0,
    },
    "phantom": {"source": 2, "target": 2, "test": 1, "matrix": 56, "slices": 8},
}
"""Settings by plugin with which it takes seconds; the others run with their defaults."""
TINY["resunet"] = TINY["nnunet"]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Networks this small are slower on several threads, above all on a busy machine."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def names(kind):
    return [one.spec.name for one in REGISTRY.all(kind) if one.distribution.startswith("past-")]


def factory_and_config(kind, name):
    config = REGISTRY.config(kind, name, TINY.get(name, {}), name)
    return REGISTRY.factory(kind, name), config


def test_every_kind_has_a_plugin_and_none_is_broken():
    assert not REGISTRY.broken
    assert all(names(kind) for kind in KINDS)


@pytest.mark.parametrize(
    "module",
    ["past_core.plugin", "past_gan.plugin", "past_seg.plugin", "past_selftrain.plugin"],
)
def test_plugin_modules_are_light(module):
    check_module(module)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in names(kind)])
def test_descriptions_are_complete(kind, name):
    check_spec(REGISTRY.find(kind, name).spec)


@pytest.mark.parametrize("name", names("translator"))
def test_translators(name, tmp_path):
    check_translator(*factory_and_config("translator", name), tmp_path)


@pytest.mark.parametrize("name", names("segmenter"))
def test_segmenters(name, tmp_path):
    check_segmenter(*factory_and_config("segmenter", name), tmp_path)


def strategies(*, online):
    found = {name: REGISTRY.find("strategy", name).spec for name in names("strategy")}
    return [name for name, spec in found.items() if spec.online == online]


@pytest.mark.parametrize("name", strategies(online=True))
def test_online_strategies(name):
    torch.manual_seed(0)
    network = torch.nn.Conv3d(1, 3, 3, padding=1)
    views = Views(*torch.randn(2, 2, 1, 6, 5, 4), progress=0.5)
    config = factory_and_config("strategy", name)
    check_online_strategy(*config, network, views, lambda: torch.manual_seed(1))


@pytest.mark.parametrize("name", strategies(online=False))
def test_strategies(name, tmp_path):
    teachers = REGISTRY.find("strategy", name).spec.teachers
    check_strategy(*factory_and_config("strategy", name), tmp_path, teachers)


@pytest.mark.parametrize("name", names("metric"))
def test_metrics(name):
    check_metric(*factory_and_config("metric", name))


@pytest.mark.parametrize("name", names("validator"))
def test_validators(name, tmp_path):
    check_validator(*factory_and_config("validator", name), tmp_path)


def crossmoda_layout(folder):
    """Two labelled source, two unlabelled target and one labelled validation scan."""
    parts = {
        "source_training": (Domain.SOURCE, "ceT1", 1, 2),
        "target_training": (Domain.TARGET, "hrT2", 106, 2),
        "target_validation": (Domain.TARGET, "hrT2", 211, 1),
    }
    for part, (domain, contrast, first, count) in parts.items():
        labelled = part != "target_training"
        cases = tiny_cases(folder / part, domain, count, labelled=labelled)
        for number, case in enumerate(cases, start=first):
            case.image.rename(folder / part / f"crossmoda_{number}_{contrast}.nii.gz")
            if case.label is not None:
                case.label.rename(folder / part / f"crossmoda_{number}_Label.nii.gz")


def datalist_layout(folder):
    def entries(domain, seed, count, *, labelled):
        cases = tiny_cases(folder / "files", domain, count, seed=seed, labelled=labelled)
        return [
            {"image": f"files/{case.image.name}"}
            | ({"label": f"files/{case.label.name}"} if case.label else {})
            for case in cases
        ]

    content = {
        "labels": {"background": 0, "ball": 1, "shell": 2},
        "source": entries(Domain.SOURCE, 0, 2, labelled=True),
        "target": entries(Domain.TARGET, 10, 2, labelled=False),
        "test": entries(Domain.TARGET, 20, 1, labelled=True),
    }
    (folder / "dataset.json").write_text(json.dumps(content))


def folders_layout(folder):
    for name, domain, first in (
        ("source", Domain.SOURCE, 0),
        ("target", Domain.TARGET, 10),
        ("test", Domain.TARGET, 20),
    ):
        for case in tiny_cases(folder, domain, 2, seed=first):
            (folder / name).mkdir(exist_ok=True)
            (folder / f"{name}_labels").mkdir(exist_ok=True)
            case.image.rename(folder / name / f"{case.id}.nii.gz")
            case.label.rename(folder / f"{name}_labels" / f"{case.id}.nii.gz")


LAYOUTS = {
    "bids": trees.bids,
    "crossmoda": crossmoda_layout,
    "crossmoda2022": trees.crossmoda2022,
    "crossmoda2023": trees.crossmoda2023,
    "decathlon": trees.decathlon,
    "nnunet-raw": trees.nnunet_raw,
    "datalist": datalist_layout,
    "folders": folders_layout,
}


@pytest.mark.parametrize("name", names("dataset"))
def test_readers(name, tmp_path):
    folder = tmp_path / "data"
    if name in LAYOUTS:
        folder.mkdir()
        LAYOUTS[name](folder)
    recognised = name in LAYOUTS and name != "folders"
    check_reader(*factory_and_config("dataset", name), folder, tmp_path, recognised=recognised)
