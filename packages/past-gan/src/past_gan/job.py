"""A training as its processes see it: everything by value or by path."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import multiprocessing

from past_gan.cache import open_cache
from past_gan.patches import PatchSampler
from past_gan.runtime import Runtime, new_fabric
from past_gan.slices import mirrored_axes
from past_gan.snapshots import Snapshot, snapshot_path
from past_gan.training import Schedule, train

if TYPE_CHECKING:
    from pathlib import Path

    from lightning_fabric import Fabric

    from past_core.interfaces.context import Progress
    from past_gan.slicewise import SliceGAN

__all__ = ["Job", "run_job"]


@dataclass(frozen=True)
class Job:
    """What to train on what, where, and from which seed."""

    translator: type[SliceGAN]
    config: Any
    folder: Path
    """Holds the cached slices in ``source`` and ``target``; gets checkpoint and record."""
    seed: int
    axis: int
    structures: int
    """How many the cached labels name; 0 if there are none."""
    cases: tuple[tuple[str, ...], ...]
    """Names of source and target cases."""

    def work(self, runtime: Runtime, progress: Progress) -> None:
        """Train in one process."""
        config = self.config
        samplers = [
            PatchSampler(
                open_cache(self.folder / name),
                crop=config.crop,
                batch_size=config.batch_size,
                mirror=mirrored_axes(config.flip, self.axis),
                resize=config.resize,
                seed=self.seed,
                stream=stream,
                image_slices=config.image_slices,
                foreground=config.foreground if name == "source" else 0.0,
            )
            for stream, name in enumerate(("source", "target"))
        ]
        with torch.random.fork_rng():
            # Initial weights are a function of the seed alone.
            torch.manual_seed(self.seed)
            model = self.translator.new_model(config, runtime, self.structures, self.seed)
        snapshot = Snapshot(self.translator.kind, config, self.axis)
        train(
            model,
            samplers,
            Schedule(config.iterations, config.checkpoint_interval, config.snapshots),
            facts={
                "kind": f"{self.translator.kind} training",
                "config": config.model_dump(mode="json", exclude={"checkpoint_interval"}),
                "seed": self.seed,
                "cases": [list(part) for part in self.cases],
            },
            folder=self.folder,
            keep=lambda step: snapshot.write(snapshot_path(self.folder, step), model.finished),
            progress=progress,
        )


def run_job(job: Job, device: str, progress: Progress) -> None:
    """Train in as many processes as configured; returns when the last has ended."""
    config = job.config
    fabric = new_fabric(device, config.precision, config.processes)
    if config.processes == 1:
        job.work(Runtime(fabric), progress)
        return
    queue = multiprocessing.get_context("spawn").SimpleQueue()
    reporter = threading.Thread(target=_report, args=(queue, progress), daemon=True)
    reporter.start()
    try:
        fabric.launch(_Share(job, queue))
    finally:
        queue.put(None)
        reporter.join()


@dataclass(frozen=True)
class _Share:
    """One of several processes; the first tells how far it has come."""

    job: Job
    queue: Any

    def __call__(self, fabric: Fabric) -> None:
        def progress(done: int, total: int, note: str = "") -> None:
            if fabric.global_rank == 0:
                self.queue.put((done, total, note))

        self.job.work(Runtime(fabric), progress)


def _report(queue: Any, progress: Progress) -> None:  # noqa: ANN401
    while (told := queue.get()) is not None:
        progress(*told)
