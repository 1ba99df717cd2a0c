"""Runs a graph of stages in one folder, keeping what is finished.

The same call again resumes: a finished stage is kept, an interrupted one goes on in its
folder, and another setting makes another folder beside the one there is.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from past_core.dataset import Dataset
from past_core.datasets.opening import open_dataset
from past_core.device import set_threads
from past_core.errors import DataError
from past_core.pipeline.answers import Plan, PlannedSystem, plan
from past_core.pipeline.events import Observer, Silent, StageReport
from past_core.pipeline.execute import Task, execute, faulted, finished_manifest, read_manifest
from past_core.pipeline.executors import Inline, Processes
from past_core.pipeline.graph import Graph
from past_core.pipeline.inventory import Inventory, check_stage, last_inventory
from past_core.pipeline.layout import PROGRESS, SCORES, STAGES
from past_core.pipeline.opened import Run, open_run
from past_core.pipeline.protocols import assign_protocols
from past_core.pipeline.record import record_run
from past_core.pipeline.request import Request
from past_core.pipeline.settings import Settings, resolve
from past_core.pipeline.stage import SHORT, Stage
from past_core.plugins import Registry
from past_core.scoring import Score, read_scores, write_scores

__all__ = ["exclusive", "plan_pipeline", "run_pipeline"]

log = logging.getLogger(__name__)

POLL = 0.2
"""Seconds between two looks at what other processes have noted of their progress."""


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
    return open_run(request.folder)


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
) -> Iterator[tuple[_Runner, Plan]]:
    """Resolve, take the folder's lock, check the data, plan, and write down what will be run."""
    registry, observer = registry or Registry(), observer or Silent()
    settings = resolve(request, registry)
    if request.threads is not None:
        set_threads(request.threads)
    runner = _Runner(settings, request.folder / STAGES, observer, executor or Inline())
    with exclusive(request.folder):
        dataset, inventory, checked = _check(settings, request, runner)
        planned = plan(settings, dataset, inventory)
        for name, reason in planned.left_out.items():
            observer.notice(f"{name} is left out: {reason}")
        if recorded:
            stages = [runner.place(stage).name for stage in (checked, *planned.graph)]
            record_run(settings, dataset, planned, stages, request.folder)
        yield runner, planned


def _check(
    settings: Settings, request: Request, runner: _Runner
) -> tuple[Dataset, Inventory, Stage]:
    """Open the data set and check it: every file once, and again only those that changed."""
    data = (request.folder / "data" if request.data is None else request.data).absolute()
    reader = settings.reader
    values = settings.recipe.values("dataset", reader.name)
    dataset = open_dataset(settings.registry, data, reader.name, values)
    stage = check_stage(dataset, last_inventory(runner.stages))
    graph = Graph()
    graph.add(stage)
    runner.run(graph)
    inventory = Inventory.read(runner.place(stage))
    return assign_protocols(dataset, settings.systems.protocols), inventory, stage


def _collect_scores(systems: Iterable[PlannedSystem], runner: _Runner, request: Request) -> None:
    """One table of all systems' scores."""
    if request.until != "score":
        return
    rows: list[Score] = []
    for system in systems:
        if system.scores is not None:
            rows += read_scores(runner.place(system.scores) / SCORES)
    write_scores(request.folder / SCORES, rows)


@dataclass(frozen=True)
class _Under:
    """A stage under way."""

    stage: Stage
    folder: Path


class _Runner:
    """Hands stages to an executor as their inputs are finished."""

    def __init__(
        self, settings: Settings, stages: Path, observer: Observer, executor: Executor
    ) -> None:
        self.settings = settings
        self.stages = stages
        self.observer = observer
        self.executor = executor
        self.started: set[str] = set()
        self.count = 0

    def place(self, stage: Stage) -> Path:
        """The folder of a stage: one that has its result already, whatever it is called."""
        own = self.stages / stage.folder
        if own.exists():
            return own
        found = sorted(self.stages.glob(f"*-{stage.fingerprint[:SHORT]}"))
        return found[0] if found else own

    def finished(self, graph: Graph) -> dict[str, dict[str, Any]]:
        """Manifests of finished stages by name."""
        found = {stage.name: self._finished(stage) for stage in graph}
        return {name: manifest for name, manifest in found.items() if manifest is not None}

    def run(self, graph: Graph) -> None:
        """Run what is unfinished; return when all is done."""
        self.count += len(graph)
        done = self.finished(graph)
        for stage in graph:
            if stage.name in done:
                self._begin(stage)
                self._report(stage, done[stage.name], reused=True)
        self._require_plugins(stage for stage in graph if stage.name not in done)
        under: dict[Future[dict[str, Any]], _Under] = {}
        try:
            while len(done) < len(graph):
                self._submit(graph, done, under)
                for future in self._wait(under):
                    stage = under[future].stage
                    done[stage.name] = future.result()
                    del under[future]
                    self._report(stage, done[stage.name], reused=False)
        except BrokenProcessPool as error:
            raise DataError(self._signalled(under.values())) from error
        except BaseException:
            self._give_up(under)
            raise

    def _submit(
        self, graph: Graph, done: dict[str, Any], under: dict[Future[dict[str, Any]], _Under]
    ) -> None:
        at_once = getattr(self.executor, "jobs", None)
        names = {one.stage.name for one in under.values()}
        for stage in graph.ready(done):
            if stage.name in names:
                continue
            if at_once is not None and len(under) >= at_once:
                return
            task = self._task(stage)
            self._begin(stage)
            if fault := faulted(task.folder):
                self.observer.notice(
                    f"{stage.name} was ended by a fault of native code before ({fault}); see "
                    f"{task.folder / 'log.txt'}. It goes on from its last checkpoint."
                )
            # Only this process can be told directly; another leaves notes in the stage's folder.
            inline = isinstance(self.executor, Inline)
            told = partial(self.observer.progress, stage.name) if inline else None
            under[self.executor.submit(execute, task, told)] = _Under(stage, task.folder)

    def _wait(self, under: dict[Future[dict[str, Any]], _Under]) -> list[Future[dict[str, Any]]]:
        """Stages that have ended; until one has, pass on what the others note."""
        while True:
            ended, _ = wait(under, timeout=POLL, return_when=FIRST_COMPLETED)
            if ended:
                return [future for future in under if future in ended]
            for one in under.values():
                self._pass_on(one)

    def _pass_on(self, one: _Under) -> None:
        try:
            note = json.loads((one.folder / PROGRESS).read_text())
        except (OSError, ValueError):
            return
        self.observer.progress(one.stage.name, note["done"], note["total"], note["note"])

    def _task(self, stage: Stage) -> Task:
        return Task(
            stage.name,
            stage.function,
            stage.params,
            stage.fingerprint,
            stage.generation,
            self.place(stage),
            {role: self.place(needed) for role, needed in stage.inputs.items()},
            self.settings.registry,
            stage.seed,
            stage.incidental,
            self.settings.device,
        )

    def _finished(self, stage: Stage) -> dict[str, Any] | None:
        return finished_manifest(self.place(stage), stage.fingerprint)

    def _begin(self, stage: Stage) -> None:
        self.started.add(stage.name)
        self.observer.stage_started(stage.name, len(self.started), self.count)

    def _report(self, stage: Stage, manifest: dict[str, Any], *, reused: bool) -> None:
        self.observer.stage_finished(
            StageReport(
                stage.name,
                self.place(stage).name,
                manifest["wall_seconds"],
                manifest["peak_memory_mib"],
                reused,
            )
        )

    def _require_plugins(self, stages: Iterable[Stage]) -> None:
        """Import what unfinished stages use, so that what is broken is known before hours pass."""
        wanted: dict[tuple[str, str], None] = {}
        for stage in stages:
            for plugin in (stage.params.get("plugin"), *stage.params.get("metrics", ())):
                if plugin is not None:
                    wanted[plugin["kind"], plugin["name"]] = None
        for kind, name in wanted:
            self.settings.registry.factory(kind, name)

    def _give_up(self, under: dict[Future[dict[str, Any]], _Under]) -> None:
        """End the other stages; the same call goes on from their checkpoints."""
        if isinstance(self.executor, Processes):
            self.executor.kill()
        for future in under:
            future.cancel()

    def _signalled(self, under: Iterable[_Under]) -> str:
        """Which stages were ended by which signals, and what to do."""
        signals = self.executor.signals() if isinstance(self.executor, Processes) else {}
        lines = []
        for one in under:
            number = signals.get(read_manifest(one.folder).get("process", 0))
            if number is None or number.name == "SIGTERM":
                continue  # the pool ends its other processes itself
            remedy = REMEDIES.get(number.name, REMEDIES["SIGSEGV"])
            lines.append(
                f"stage {one.stage.name} was ended by {number.name}. {remedy} Its log: "
                f"{one.folder / 'log.txt'}; the same command goes on from its last checkpoint."
            )
        return "\n".join(lines) or (
            "a stage's process ended without an answer. The same command goes on from the last "
            "checkpoint."
        )


REMEDIES = {
    "SIGKILL": "Unless you did it, the machine ran out of memory: use fewer --jobs, or smaller "
    "patches and batches.",
    "SIGSEGV": "A fault of native code (torch, oneDNN): try --set segmenter.precision=float32 and "
    "--set translator.precision=float32, or another version of torch.",
}


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keep a second run out; the lock goes with the process, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock").acquire(timeout=0):
            yield
    except Timeout as error:
        raise DataError(
            f"{folder}: another run is using this folder. Wait for it, or choose another folder."
        ) from error
