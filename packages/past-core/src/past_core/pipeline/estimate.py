"""What a run will cost, from a short calibration on a few of its own scans.

Each translator and segmenter in use is trained for a few iterations, twice: the difference
gives the seconds an iteration, the rest is start-up. Two scans of each contrast serve, in a
temporary folder; nothing of it is kept.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from past_core.interfaces import Validator
from past_core.pipeline.execute import Task, execute
from past_core.pipeline.graph import Graph
from past_core.pipeline.plan import Plan
from past_core.pipeline.stage import Stage
from past_core.pipeline.work.workspace import whole_config
from past_core.plugins import Registry

__all__ = ["Cost", "estimate", "wall_seconds"]

FEW, MORE = 2, 6
"""Iterations of the two trainings."""
SCANS = 2
"""Of each contrast."""


@dataclass(frozen=True)
class Cost:
    """What a stage is expected to take."""

    seconds: float
    """On this machine, with as many threads as now, alone on its cores."""
    mib: float
    """Peak resident memory of its process."""


@dataclass(frozen=True)
class _Speed:
    start: float
    iteration: float
    scan: float
    """Seconds to translate or segment one scan."""
    mib: float


def estimate(
    planned: Plan, finished: Collection[str], registry: Registry, device: str
) -> dict[str, Cost]:
    """The cost of every unfinished stage, by name.

    Figures that translators measure of themselves are not counted, nor is slowing down of
    stages that work beside each other.
    """
    with tempfile.TemporaryDirectory(prefix="past-calibration-") as folder:
        return _Calibration(planned, registry, device, Path(folder)).costs(finished)


def wall_seconds(graph: Graph, costs: Mapping[str, Cost], jobs: int) -> float:
    """How long the stages that cost anything take with ``jobs`` of them at a time."""
    done = {stage.name for stage in graph if stage.name not in costs}
    under: list[tuple[float, str]] = []
    now = 0.0
    while len(done) < len(graph):
        at_work = {name for _, name in under}
        for stage in graph.ready(done):
            if stage.name not in at_work and len(under) < jobs:
                under.append((now + costs[stage.name].seconds, stage.name))
        now, name = min(under)
        under.remove((now, name))
        done.add(name)
    return now


class _Calibration:
    """Trains each plugin for a moment, when a stage that uses it is first met."""

    def __init__(self, planned: Plan, registry: Registry, device: str, folder: Path) -> None:
        self.graph = planned.graph
        self.scans = planned.scans
        self.registry = registry
        self.device = device
        self.folder = folder
        self._count = 0
        self._trained: dict[str, tuple[_Speed, Path]] = {}
        self._speeds: dict[str, _Speed] = {}
        self._light = 0.0
        self._crops: dict[str, tuple[list[str], Path]] = {}

    def costs(self, finished: Collection[str]) -> dict[str, Cost]:
        """Of all stages but the finished."""
        unfinished = [stage for stage in self.graph if stage.name not in finished]
        if unfinished:
            self._crop()
        return {stage.name: self._cost(stage) for stage in unfinished}

    def _crop(self) -> None:
        oracle = next((part for part in self.scans if part.startswith("oracle")), None)
        if "source" not in self.scans and oracle is not None:
            # Labelled scans are the target's: those of the same few cases.
            labels = self.scans[oracle]
            few = [case["id"] for case in labels.params["cases"][:SCANS]]
            self._crops["labels"] = self._cropped(labels)
            self._crops["target"] = self._cropped(self.scans["target"], few)
            return
        for part in ("source", "target", "wide-source", "wide-target"):
            if part in self.scans:
                self._crops[part] = self._cropped(self.scans[part])

    def _cost(self, stage: Stage) -> Cost:
        if stage.function.endswith(":fit"):
            speed = self._speed(stage)
            config = whole_config(stage.params["plugin"], stage.incidental, self.registry)
            length = config.length(warm="start" in stage.inputs) or 0
            return Cost(speed.start + speed.iteration * length, speed.mib)
        cases = len(stage.params.get("cases") or stage.params.get("source", ()))
        if "model" in stage.inputs:
            speed = self._speed(stage.inputs["model"], stage.params.get("prediction"))
            return Cost(speed.scan * cases, speed.mib)
        if "candidates" in stage.params and "validators" in stage.params:
            return self._judging(stage, cases)
        return Cost(self._light * cases, 0.0)

    def _judging(self, stage: Stage, cases: int) -> Cost:
        """Validators apply every candidate, or the one that was chosen, to every scan anew."""
        again = sum(self._applications(plugin) for plugin in stage.params["validators"])
        speeds = [
            [
                self._speed(
                    stage.inputs[f"{role}-model"], stage.params["models"][role]["prediction"]
                )
                for role in roles
            ]
            for roles in _roles(stage)
        ]
        each = [sum(speed.scan for speed in one) for one in speeds]
        applied = max(each) if "choice" in stage.inputs else sum(each)
        mib = max((speed.mib for one in speeds for speed in one), default=0.0)
        return Cost(applied * again * cases, mib)

    def _applications(self, plugin: Mapping[str, Any]) -> int:
        name = plugin["name"]
        config = self.registry.config("validator", name, plugin["config"], f"validator.{name}")
        validator: Validator = self.registry.factory("validator", name)(config)
        return validator.applications()

    def _speed(self, fit: Stage, prediction: Mapping[str, Any] | None = None) -> _Speed:
        """Of a training, and of what it trained with these settings of prediction."""
        what = [fit.function, fit.params["plugin"], fit.params.get("strategy")]
        key = json.dumps(what, sort_keys=True)
        if key not in self._trained:
            self._trained[key] = self._train(fit)
        speed, model = self._trained[key]
        applied = json.dumps([key, prediction], sort_keys=True)
        if applied not in self._speeds:
            _, one = self._run(self._applied(fit, prediction or {}), {"model": model})
            mib = max(speed.mib, one["peak_memory_mib"])
            self._speeds[applied] = replace(speed, scan=one["wall_seconds"] / SCANS, mib=mib)
        return self._speeds[applied]

    def _train(self, fit: Stage) -> tuple[_Speed, Path]:
        """Train for FEW and for MORE iterations; the last model's folder besides."""
        # The first one imports what the plugin needs, which is waited for once only.
        _, few, more = (self._run(self._shortened(fit, n)) for n in (1, FEW, MORE))
        seconds = [one["wall_seconds"] for one in (few[1], more[1])]
        iteration = max(0.0, (seconds[1] - seconds[0]) / (MORE - FEW))
        start = max(0.0, seconds[0] - FEW * iteration)
        return _Speed(start, iteration, 0.0, more[1]["peak_memory_mib"]), more[0]

    def _shortened(self, fit: Stage, iterations: int) -> Stage:
        plugin = fit.params["plugin"]
        short = whole_config(plugin, fit.incidental, self.registry).shortened(iterations)
        params = dict(fit.params) | {"plugin": {**plugin, "config": short.model_dump(mode="json")}}
        if fit.kind == "translate":
            params |= {"source": self._seen("source"), "target": self._seen("target")}
        else:
            images = "target" if "target" in self._crops else "wide-target"
            online = self._entries("target", images, None) if "strategy" in params else []
            params["cases"] = self._labelled() + online
        return replace(fit, params=params, inputs={}, incidental={})

    def _applied(self, fit: Stage, prediction: Mapping[str, Any]) -> Stage:
        plugin = {key: value for key, value in fit.params["plugin"].items() if key != "config"}
        if fit.kind == "translate":
            params: dict[str, Any] = {"plugin": plugin, "source": self._seen("source")}
            return Stage("translate", fit.function.replace(":fit", ":translate"), params)
        params = {"plugin": plugin, "prediction": prediction, "cases": self._labelled()}
        known = {"classes": len(fit.params["labels"]) + 1}
        function = fit.function.replace(":fit", ":predict")
        return Stage("predict", function, params, incidental=known)

    def _labelled(self) -> list[dict[str, Any]]:
        """Scans with labels, as segmenters see them."""
        part, labels = ("source", "source") if "source" in self._crops else ("target", "labels")
        return self._entries(part, part, labels)

    def _seen(self, part: str) -> list[dict[str, Any]]:
        """Scans as translators see them; the source's with labels."""
        images = f"wide-{part}" if f"wide-{part}" in self._crops else part
        return self._entries(part, images, images if part == "source" else None)

    def _entries(self, domain: str, images: str, labels: str | None) -> list[dict[str, Any]]:
        names, _ = self._crops[images]
        entries: list[dict[str, Any]] = [
            {"id": name, "domain": domain, "images": [images, name]} for name in names
        ]
        if labels is not None:
            for entry in entries:
                entry["labels"] = [labels, entry["id"]]
        return entries

    def _cropped(self, crop: Stage, only: Sequence[str] | None = None) -> tuple[list[str], Path]:
        """The first few scans, or those named."""
        known = crop.params["cases"]
        cases = [case for case in known if only is None or case["id"] in only][:SCANS]
        short = replace(crop, params={**crop.params, "cases": cases})
        folder, manifest = self._run(short)
        self._light = max(self._light, manifest["wall_seconds"] / len(cases))
        return [case["id"] for case in cases], folder

    def _run(
        self, stage: Stage, more: Mapping[str, Path] | None = None
    ) -> tuple[Path, dict[str, Any]]:
        self._count += 1
        folder = self.folder / "stages" / f"{self._count}-{stage.name}"
        inputs = {part: place for part, (_, place) in self._crops.items()} | dict(more or {})
        task = Task.of(stage, folder, inputs, self.registry, self.device)
        return folder, execute(task)


def _roles(stage: Stage) -> list[set[str]]:
    """Of every candidate the predictions that answer for a scan; the first one's stand for all."""
    answers = [next(iter(one["answers"].values())) for one in stage.params["candidates"]]
    return [{role for roles in of_one.values() for role in roles} for of_one in answers]
