"""Runs a graph of stages in one folder, keeping what is finished.

The same call again resumes: a finished stage is kept, an interrupted one goes on in its
folder, and another setting makes another folder beside the one there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from past_core.checking import place_doubts
from past_core.dataset import Dataset
from past_core.datasets.opening import open_dataset
from past_core.device import set_threads
from past_core.pipeline.application import PlannedSystem
from past_core.pipeline.claimed import exclusive, require_apart, require_same_data
from past_core.pipeline.events import Observer, Silent
from past_core.pipeline.executors import Inline
from past_core.pipeline.graph import Graph
from past_core.pipeline.inventory import Inventory, check_stage, last_inventory
from past_core.pipeline.layout import SCORES, STAGES
from past_core.pipeline.opened import Run, open_run
from past_core.pipeline.plan import Plan, plan
from past_core.pipeline.protocols import assign_protocols
from past_core.pipeline.publishing import publish
from past_core.pipeline.record import record_run, record_trust
from past_core.pipeline.request import Request
from past_core.pipeline.runner import Runner
from past_core.pipeline.settings import Settings, resolve
from past_core.pipeline.stage import Stage
from past_core.plugins import Registry
from past_core.scoring import Score, read_scores, write_scores

__all__ = ["plan_pipeline", "run_pipeline"]


def run_pipeline(
    request: Request,
    *,
    registry: Registry | None = None,
    observer: Observer | None = None,
    executor: Executor | None = None,
) -> Run:
    """Check the data set, run every unfinished stage, and open the finished run.

    ::

        from pathlib import Path
        from past_core import Request, run_pipeline

        run = run_pipeline(Request(Path("run"), translator="nicegan", segmenter="resunet"))
        for summary in run.summaries():
            print(summary)

    Parameters
    ----------
    request
        What to run, and in which folder.
    registry
        The plugins; by default all that are installed.
    observer
        Told what happens.
    executor
        Where stages are worked at; by default one after the other in this process. See
        ``past_core.pipeline.executors``.

    Raises
    ------
    PluginError, ConfigError
        If something that the request names is not there or not right.
    DataError
        If the data set fails its check, the disk is full, a stage's process is ended by a
        signal, or another process uses the folder.
    """
    with _begun(request, registry, observer, executor, recorded=True) as (runner, planned):
        runner.run(planned.graph)
        _collect_scores(planned.systems, runner, request)
        run = open_run(request.folder)
        publish(run)
        record_trust(request.folder, run.trust())
    return run


def plan_pipeline(
    request: Request, *, registry: Registry | None = None, observer: Observer | None = None
) -> tuple[Plan, dict[str, dict[str, Any]]]:
    """The stages that a run would have, and the manifests of those that are finished, by name.

    The data set is checked, for all fingerprints follow from its content; nothing else is run.

    Raises
    ------
    PluginError, ConfigError, DataError
        As ``run_pipeline`` does before anything is trained.
    """
    with _begun(request, registry, observer, None, recorded=False) as (runner, planned):
        return planned, runner.finished(planned.graph)


@contextmanager
def _begun(
    request: Request,
    registry: Registry | None,
    observer: Observer | None,
    executor: Executor | None,
    *,
    recorded: bool,
) -> Iterator[tuple[Runner, Plan]]:
    """Resolve, take the folder's lock, check the data, plan, and write down what will be run."""
    registry, observer = registry or Registry(), observer or Silent()
    settings = resolve(request, registry)
    require_apart(request)
    if request.threads is not None:
        set_threads(request.threads)
    for note in settings.notes:
        observer.notice(note)
    runner = Runner(settings, request.folder / STAGES, observer, executor or Inline())
    with exclusive(request.folder):
        dataset, inventory, checked = _check(settings, request, runner)
        if not request.other_data:
            require_same_data(request, inventory)
        planned = plan(settings, dataset, inventory)
        for name, reason in planned.left_out.items():
            observer.notice(f"{name} is left out: {reason}")
        if recorded:
            record_run(
                settings,
                dataset,
                planned,
                checked=checked,
                place=runner.place,
                origin=runner.origin,
                folder=request.folder,
            )
        yield runner, planned


def _check(
    settings: Settings, request: Request, runner: Runner
) -> tuple[Dataset, Inventory, Stage]:
    """Open the data set and check it: every file once, and again only those that changed."""
    data = (request.folder / "data" if request.data is None else request.data).absolute()
    reader = settings.reader
    values = settings.recipe.values("dataset", reader.name)
    dataset = open_dataset(settings.registry, data, reader.name, values)
    for note in dataset.notes:
        runner.observer.notice(note)
    roi, _ = settings.systems.crop.regions(dataset)
    stage = check_stage(dataset, data, roi, last_inventory(runner.stages))
    graph = Graph()
    graph.add(stage)
    runner.run(graph)
    inventory = Inventory.read(runner.place(stage), data)
    for note in place_doubts(inventory.doubts):
        runner.observer.notice(note)
    return assign_protocols(dataset, settings.systems.protocols), inventory, stage


def _collect_scores(systems: Iterable[PlannedSystem], runner: Runner, request: Request) -> None:
    """One table of all systems' scores."""
    if request.until != "score":
        return
    rows: list[Score] = []
    for system in systems:
        if system.scores is not None:
            rows += read_scores(runner.place(system.scores) / SCORES)
    write_scores(request.folder / SCORES, rows)
