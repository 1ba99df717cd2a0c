"""Targets of what runs leave: read again, gone on from, applied to other scans, exported."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from past_core.comparison import compare_runs
from past_core.config import parse_config, read_toml
from past_core.datasets.phantom.config import PhantomConfig
from past_core.datasets.phantom.dataset import write_phantom
from past_core.exported import load_system
from past_core.exported.archive import pack
from past_core.exported.export import export_system
from past_core.pipeline import Request, Silent, Systems, open_run, run_pipeline, troubles
from past_core.pipeline.clean import clean_run
from past_core.pipeline.selections import selections_of
from tests.fuzz.single_files import registry
from tests.fuzz.target import Target

__all__ = ["TARGETS"]

TINY = {"source": 2, "target": 2, "test": 1, "matrix": 56, "slices": 8, "protocols": ["448"]}
SYSTEMS = """
[[translation]]
name = "aligned"
translator = "measured"
[[model]]
name = "plain"
segmenter = "bayes"
images = [{ from = "source" }]
[[model]]
name = "bayes"
segmenter = "bayes"
images = [{ from = "aligned" }]
[[model.round]]
strategy = "keep"
images = [{ from = "aligned", labels = "replace" }, { from = "target" }]
[[system]]
name = "no-da"
use = "plain"
[[system]]
name = "st1"
use = "bayes"
[[system]]
name = "final"
choose = ["no-da", "st1"]
validators = ["agreement"]
"""


@cache
def finished():
    """A run with every kind of stage, made once; read only."""
    root = Path(mkdtemp(prefix="past-fuzz-run-"))
    write_phantom(root / "data", PhantomConfig(**TINY))
    (root / "systems.toml").write_text(SYSTEMS)
    systems = parse_config(Systems, read_toml(root / "systems.toml", "systems file"), "systems")
    go(Request(root / "run", systems=systems, data=root / "data"))
    (stage,) = (root / "run/stages").glob("fit-aligned-*")
    (stage / "record").mkdir(exist_ok=True)
    (stage / "record/losses.csv").write_text("step,loss\n1,0.5\n2,0.25\n")
    (stage / "record/plan.json").write_text('{"said": "small"}')
    return root


def go(request):
    return run_pipeline(request, registry=registry(), observer=Silent())


def a_run(folder):
    shutil.copytree(finished() / "run", folder / "run")
    return folder / "run"


def read_run(folder):
    """All that ``show``, ``compare``, ``clean`` and the panels ask of a run folder."""
    found = open_run(folder)
    seen = [found.recipe, found.systems_file, found.answer, found.structures, found.roi]
    seen += [found.inventory, found.summaries(), found.choices(), found.trust(), found.stages()]
    for system in [*found.systems, "final"]:
        seen += [found.left_out(system), found.segmentations(system)]
    for metric in ("iou", "dice"):
        seen += [found.mean_scores(metric), found.case_scores("final", metric)]
    seen += [list(found.curves()), found.translations(), found.segmented(), selections_of(found)]
    seen += [found.references(), found.reference_hashes(), found.unused(), troubles(found)]
    compare_runs([folder, finished() / "run"])


def apply_run(folder):
    """Open the system that a run says to take, and segment a scan of its data set."""
    loaded = load_system(folder, registry=registry(), device="cpu")
    (scan,) = (finished() / "data/target_validation").glob("*_hrT2.nii.gz")
    loaded.segment(scan)


def resume_run(folder):
    """The same command again, which reads all that the earlier one left."""
    systems = parse_config(Systems, read_toml(finished() / "systems.toml", "systems file"), "x")
    go(Request(folder, systems=systems, data=finished() / "data"))


def exported(folder):
    return export_system(finished() / "run", folder / "kept", system="st1")


def read_exported(folder):
    loaded = load_system(folder, registry=registry(), device="cpu")
    (scan,) = (finished() / "data/target_validation").glob("*_hrT2.nii.gz")
    loaded.segment(scan)


def packed(folder):
    pack(exported(folder), folder / "kept.zip")
    shutil.rmtree(folder / "kept")
    return folder / "kept.zip"


def read_packed(path):
    load_system(path, registry=registry(), device="cpu")


FILES = (".json", ".csv", ".toml")
TARGETS = (
    Target("run", a_run, read_run, FILES),
    Target("run applied", a_run, apply_run, ("run.json", "application.json", "choice.json")),
    Target("run cleaned", a_run, clean_run, ("run.json",)),
    Target("run resumed", a_run, resume_run, (*FILES, ".nii.gz", ".npy")),
    Target("exported", exported, read_exported, (".json", ".npy")),
    Target("exported zip", packed, read_packed, (".zip",)),
)
