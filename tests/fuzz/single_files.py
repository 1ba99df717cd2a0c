"""Targets of one file: images, tables, recipes, systems files."""

from __future__ import annotations

import json
import tomllib
from functools import cache

import numpy as np

from past_core import Labels
from past_core.case import Case, Domain
from past_core.checking import check_case
from past_core.dataset import Dataset
from past_core.evaluation import score_folders
from past_core.headers import read_header
from past_core.paired import differences
from past_core.pipeline import Request
from past_core.pipeline.protocols import ProtocolRule, assign_protocols
from past_core.pipeline.settings import resolve
from past_core.pipeline.systems_file import dump_systems, load_systems
from past_core.recipe import load_recipe, parse_assignments
from past_core.roi import ROI
from past_core.scoring import Score, read_scores, summarise, write_scores
from past_core.volume import Volume, load_volume, save_volume
from tests.core.pipeline.toys import Overlap, OverlapConfig, toy_registry
from tests.fuzz.target import Target

__all__ = ["TARGETS"]

REGION = ROI((0.25, 0.0, 0.0), (0.75, 1.0, 1.0))
LABELS = Labels(("vs", "cochlea"))
RECIPE = """
summary = "small"
extends = "base"

[segmenter.bayes]
bins = 16
smoothing = 2.0

[translator.match]
strength = 0.5

[strategy.keep]
above = 0.8
weights = { a = 1.0, b = 0.5 }
"""
SYSTEMS = """
summary = "all there is"

[crop]
roi = { lower = [0.25, 0.0, 0.0], upper = [0.75, 1.0, 1.0] }

[protocols]
by = "name"
kind = [{ name = "a", pattern = "*_a_*" }, { name = "b", pattern = "*_b_*" }]

[[translation]]
name = "aligned"
translator = "match"
each = "protocol"

[[model]]
name = "first"
segmenter = "bayes"
seeds = [0, 1]
images = [{ from = "source", share = 0.5 }, { from = "aligned", copies = 1 }]

[[model]]
name = "second"
segmenter = "bayes"
start = "first"
seeds = [0, 1]
images = [{ from = "aligned" }]
settings = { bins = 8 }
[[model.round]]
repeat = 2
strategy = "keep"
settings = { above = 0.6 }
images = [{ from = "aligned", labels = "replace" }, { from = "target" }]

[[system]]
name = "one"
use = "first"

[[system]]
name = "two"
use = "second/1"
structures = { vs = "first#1" }

[[system]]
name = "final"
choose = ["one", "two"]
validators = ["agreement", "flip"]
"""


@cache
def registry():
    return toy_registry()


def head(folder, suffix):
    """An image and its label, 6 x 5 x 4 voxels, oblique."""
    affine = np.diag([-1.5, 1.5, 3.0, 1.0])
    affine[0, 1] = 0.2
    data = np.random.default_rng(0).integers(0, 500, (6, 5, 4)).astype(np.int16)
    paths = folder / f"head{suffix}", folder / "head_label.nii.gz"
    save_volume(Volume(data, affine), paths[0])
    save_volume(Volume(np.resize(np.arange(3, dtype=np.uint8), (6, 5, 4)), affine), paths[1])
    return paths


def check_image(paths):
    image, label = paths
    read_header(image)
    load_volume(image).canonical()
    checked = check_case(Case("head", Domain.SOURCE, image, label), LABELS, REGION)
    assert all(len(problem) < 4000 for problem in checked.problems)
    volume = REGION.crop(load_volume(image))
    save_volume(volume, image.with_name("cropped.nii"))


def folders_to_score(folder):
    for part in ("predicted", "true"):
        (folder / part).mkdir()
        for n in range(2):
            label = np.resize(np.arange(3, dtype=np.uint8), (6, 5, 4 + n))
            save_volume(Volume(label, np.eye(4)), folder / part / f"scan_{n}.nii.gz")
    return folder


def score(folder):
    metrics = {"iou": Overlap(OverlapConfig())}
    score_folders(folder / "predicted", folder / "true", LABELS, metrics)


def scores(folder):
    rows = [
        Score(system, f"case {n}", structure, "dice", 0.1 * n, "448", part)
        for system in ("no-da", "final", "oracle")
        for n in range(6)
        for structure in LABELS.structures
        for part in (("test", "validation")[n > 4],)
    ]
    write_scores(folder / "scores.csv", rows)
    return folder / "scores.csv"


def read_table(path):
    rows = read_scores(path)
    summarise(rows)
    differences(rows, "final", "dice")


def protocols(folder):
    path = folder / "infos.csv"
    path.write_text("case,protocol\na,448\nb,448\nc,384\nd,384\n")
    return path


def read_protocols(path):
    cases = [Case(name, Domain.TARGET, path.with_name(f"{name}.nii")) for name in "abcd"]
    data = Dataset("x", LABELS, (), tuple(cases), ())
    assign_protocols(data, ProtocolRule(by="column", file=path))


def recipe(folder):
    (folder / "base.toml").write_text("[segmenter.bayes]\nbins = 8\n[metric.iou]\n")
    (folder / "recipe.toml").write_text(RECIPE)
    return folder / "recipe.toml"


def read_recipe(path):
    request = Request(
        path.parent / "run", translator="match", segmenter="bayes", strategy="keep",
        recipe=load_recipe(path),
    )  # fmt: skip
    resolve(request, registry())


def systems(folder):
    (folder / "systems.toml").write_text(SYSTEMS)
    return folder / "systems.toml"


def read_systems(path):
    found = load_systems(path)
    tomllib.loads(dump_systems(found))
    for system in found.system:
        found.supervised(system)
    resolve(Request(path.parent / "run", systems=found, device="cpu"), registry())


def settings(folder):
    values = ["segmenter.bins=8", "segmenter.bayes.smoothing=0.5", "crop.clip_percentile=99"]
    (folder / "settings.json").write_text(json.dumps([*values, "strategy.weights.a=1"]))
    return folder / "settings.json"


def read_settings(path):
    """``--set``; the file is only how the fuzz carries its words."""
    try:
        words = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError):
        return
    words = [w for w in words if isinstance(w, str)] if isinstance(words, list) else []
    parse_assignments(words, {"segmenter": ["bayes", "smooth"], "strategy": ["keep"]})
    request = Request(
        path.parent / "run", translator="match", segmenter="bayes", strategy="keep",
        assignments=tuple(words),
    )  # fmt: skip
    resolve(request, registry())


def structures(folder):
    (folder / "labels.json").write_text('{"background": 0, "vs": 1, "cochlea": 2}')
    return folder / "labels.json"


def read_structures(path):
    """``--structures`` and mappings, as far as their types are right."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError):
        return
    if isinstance(found, dict):
        words = [f"{k}={v}" for k, v in found.items() if k != "background"]
        Labels.from_text(",".join(words), "--structures")
        Labels.from_mapping({k: v for k, v in found.items() if type(v) is int}, "labels")


TARGETS = (
    Target("image", lambda folder: head(folder, ".nii"), check_image, ("head.nii",)),
    Target("image gz", lambda folder: head(folder, ".nii.gz"), check_image, (".nii.gz",)),
    Target("evaluation", folders_to_score, score, (".nii.gz",)),
    Target("scores", scores, read_table, (".csv",)),
    Target("protocol table", protocols, read_protocols, (".csv",)),
    Target("structures", structures, read_structures, (".json",), files_come_and_go=False),
    Target("recipe", recipe, read_recipe, (".toml",)),
    Target("systems", systems, read_systems, (".toml",)),
    Target("settings", settings, read_settings, (".json",), files_come_and_go=False),
)
