"""A training as its processes see it: everything by value or by path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from past_core.files import write_json
from past_gan.data.cache import open_cache
from past_gan.data.patches import PatchSampler
from past_gan.data.slices import from_network_range, mirrored_axes, to_network_range
from past_gan.data.translation import translate_slices
from past_gan.quality.assessment import Assessment
from past_gan.training.loop import Schedule, train
from past_gan.training.processes import run_shared
from past_gan.training.runtime import Runtime, new_fabric, seeded
from past_gan.training.snapshots import Snapshot, figures_path, snapshot_path
from past_gan.training.watch import evaluating

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    from torch import nn

    from past_core.interfaces.context import Progress
    from past_gan.gan import GAN
    from past_gan.quality.assessment import Translate
    from past_gan.training.model import TranslationModel

__all__ = ["Job", "run_job"]


@dataclass(frozen=True)
class Job:
    """What to train on what, where, and from which seed; can be sent to other processes."""

    gan: GAN
    folder: Path
    """Gets checkpoint and record."""
    cache: Path
    """Holds the cached slices in ``source`` and ``target``."""
    seed: int
    axis: int
    """Across the slices, of (right, anterior, superior)."""
    structures: tuple[str, ...]
    """Names of the values 1, 2, ... of the cached labels."""
    cases: tuple[tuple[str, ...], ...]
    """Names of source and target cases."""
    until: int | None = None
    """Stop after so many steps; None: train to the end."""

    @property
    def facts(self) -> dict[str, Any]:
        """What is trained on what: a checkpoint of other facts is not gone on from."""
        return {
            "kind": f"{self.gan.kind} training",
            "config": self.gan.config.decisive(),
            "seed": self.seed,
            "cases": [list(part) for part in self.cases],
        }

    def work(self, runtime: Runtime, progress: Progress) -> None:
        """Train in one process."""
        config = self.gan.config
        samplers = [
            PatchSampler(
                open_cache(self.cache / name),
                crop=config.sizes.crop,
                batch_size=config.sizes.batch_size,
                mirror=mirrored_axes(config.flip, self.axis),
                resize=config.resize,
                seed=self.seed,
                stream=stream,
                image_slices=config.image_slices,
                foreground=config.foreground if name == "source" else 0.0,
            )
            for stream, name in enumerate(("source", "target"))
        ]
        with seeded(self.seed):
            model = self.gan.model(runtime, len(self.structures), self.seed)
        train(
            model,
            samplers,
            Schedule(config.iterations, config.checkpoint_interval, config.snapshots, self.until),
            self.facts,
            folder=self.folder,
            keep=lambda step: self._keep(step, model),
            progress=progress,
        )

    def _keep(self, step: int, model: TranslationModel) -> None:
        """Write the translator as it is now, and its label-free figures."""
        path = snapshot_path(self.folder, step)
        snapshot = Snapshot(self.gan.kind, self.gan.config, self.axis)
        snapshot.write(path, model.finished)
        assessment = self.assessment(str(model.runtime.device))
        if assessment is not None:
            there, back = model.finished, model.returning
            with evaluating(model):
                figures = assessment.measure(
                    self._translate(there, model),
                    None if back is None else self._translate(back, model),
                )
            if figures is not None:
                write_json(figures_path(path), figures.as_json())

    def assessment(self, device: str) -> Assessment | None:
        """The cached scans to compare translators on, if they suffice and are asked for."""
        quality = self.gan.config.quality
        return Assessment.open(self.cache, quality, self.structures, self.seed, device)

    def _translate(self, network: nn.Module, model: TranslationModel) -> Translate:
        """A stack of cached slices ``(n, h, w)`` in [0, 255] through a network."""

        def translate(stack: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
            output = translate_slices(
                to_network_range(torch.from_numpy(stack))[:, None],
                network,
                self.gan.sides(),
                self.gan.config.image_slices,
                str(model.runtime.device),
            )
            grey: npt.NDArray[np.float32] = from_network_range(output)[:, 0].numpy()
            return grey

        return translate


def run_job(job: Job, device: str, progress: Progress) -> None:
    """Train in as many processes as configured; returns when the last has ended."""
    config = job.gan.config
    fabric = new_fabric(device, config.precision, config.processes)
    if config.processes == 1:
        job.work(Runtime(fabric), progress)
        return
    run_shared(job.work, fabric, progress)
