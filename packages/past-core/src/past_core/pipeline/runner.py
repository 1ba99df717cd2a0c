"""Hands the stages of a graph to an executor as their inputs are finished."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from past_core.errors import DataError
from past_core.pipeline.events import Observer, StageReport
from past_core.pipeline.execute import Task, execute
from past_core.pipeline.executors import Inline, Processes
from past_core.pipeline.graph import Graph
from past_core.pipeline.layout import PROGRESS
from past_core.pipeline.manifest import finished_manifest, read_manifest
from past_core.pipeline.origin import Origin
from past_core.pipeline.outputs import changed
from past_core.pipeline.settings import Settings
from past_core.pipeline.stage import SHORT, Stage
from past_core.pipeline.stage_log import faulted

__all__ = ["Runner"]

POLL = 0.2
"""Seconds between two looks at what other processes have noted of their progress."""


@dataclass(frozen=True)
class _Under:
    """A stage under way."""

    stage: Stage
    folder: Path


class Runner:
    """Runs graphs among a run folder's stages, keeping what is finished."""

    def __init__(
        self, settings: Settings, stages: Path, observer: Observer, executor: Executor
    ) -> None:
        self.settings = settings
        self.stages = stages
        self.observer = observer
        self.executor = executor
        self.origin = Origin(settings.registry, settings.request.command)
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
        inputs = {role: self.place(needed) for role, needed in stage.inputs.items()}
        registry, device = self.settings.registry, self.settings.device
        origin = {
            "command": self.origin.command,
            "plugins": self.origin.plugins(stage.plugins),
        }
        return Task.of(stage, self.place(stage), inputs, registry, device, origin=origin)

    def _finished(self, stage: Stage) -> dict[str, Any] | None:
        place = self.place(stage)
        manifest = finished_manifest(place, stage.fingerprint)
        if manifest is not None and (gone := changed(place, manifest["files"])):
            more = f" and {len(gone) - 1} more" if len(gone) > 1 else ""
            self.observer.notice(
                f"{place / gone[0]}{more}: lost or changed since {stage.name} was finished. That "
                "stage is run again."
            )
            return None
        return manifest

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
            wanted |= dict.fromkeys(stage.plugins)
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
