"""The training loop that translators share: steps, records, checkpoints, resume.

A model brings its own step; the loop knows nothing of networks. All randomness is a
function of seed and step, so an interrupted training goes on from its last checkpoint
to the same weights as an undisturbed one.
"""

from __future__ import annotations

import logging
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from past_core.errors import DataError
from past_core.interfaces.context import RECORD
from past_gan.data.batch import Batch
from past_gan.training import checkpoint
from past_gan.training.records import Records
from past_gan.training.watch import Watch, require_finite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from past_core.interfaces.context import Progress
    from past_gan.data.patches import PatchSampler
    from past_gan.training.model import TranslationModel
    from past_gan.training.runtime import Runtime

__all__ = ["Schedule", "train"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Schedule:
    """How long to train, and when to write what."""

    iterations: int
    checkpoint_interval: int
    """Steps between checkpoints."""
    snapshots: int
    """Translators to keep, at even distances over the second half."""
    until: int | None = None
    """Stop after so many steps, and keep that translator alone; None: train to the end."""

    def rate(self, step: int) -> float:
        """Part of the learning rate in step 0, 1, ...: 1, then linear to 0 over the second half."""
        half = self.iterations / 2
        return min(1.0, (self.iterations - step) / half)

    @property
    def last(self) -> int:
        """The step to stop after."""
        return self.until or self.iterations

    @property
    def kept(self) -> set[int]:
        """Steps after which a translator is kept; the last is one of them."""
        if self.until:
            return {self.until}
        return {
            self.iterations - (self.iterations // 2) * n // self.snapshots
            for n in range(self.snapshots)
        }


def train(
    model: TranslationModel,
    samplers: Sequence[PatchSampler],
    schedule: Schedule,
    facts: Mapping[str, Any],
    *,
    folder: Path,
    keep: Callable[[int], None],
    progress: Progress,
) -> None:
    """Train to the last step of the schedule, from the checkpoint in ``folder`` if there is one.

    Parameters
    ----------
    samplers
        Of source and target patches.
    facts
        JSON values that say what is trained on what, with ``"kind"``. A checkpoint of
        other facts is not continued: training starts anew.
    keep
        Called after the steps whose translator is to be kept.

    Raises
    ------
    DataError
        If the checkpoint is damaged.
    TrainingError
        If a loss is not finite or the translations collapsed, naming the step.
    """
    path, runtime = folder / checkpoint.CHECKPOINT, model.runtime
    first = _resume(model, path, facts)
    if not first and runtime.rank == 0:
        # What an earlier training of other settings left must not be taken for this one's.
        shutil.rmtree(folder / RECORD, ignore_errors=True)
    watch, to_keep = Watch(samplers, schedule.iterations), schedule.kept
    with Records(folder / RECORD, first, schedule.iterations, runtime.rank == 0) as records:
        for batch in _batches(samplers, schedule, first, runtime):
            losses = model.step(batch)
            values = runtime.mean(torch.stack(list(losses.values()))).tolist()
            named = dict(zip(losses, values, strict=True))
            done = batch.step + 1
            require_finite(named, done)
            records.add(done, named)
            if done in to_keep or done % schedule.checkpoint_interval == 0:
                records.show(done, watch.look(model, done))
                if runtime.rank == 0:
                    records.write()
                    if done in to_keep:
                        keep(done)
                    checkpoint.write(path, model.tensors(), {**facts, "step": done})
            note = " ".join(f"{name} {value:.3f}" for name, value in named.items())
            progress(done, schedule.last, note)


def _batches(
    samplers: Sequence[PatchSampler], schedule: Schedule, first: int, runtime: Runtime
) -> Iterator[Batch]:
    """From step ``first`` on; each is drawn while the step before it is computed."""

    def draw(step: int) -> Batch:
        source, target = (sampler.batch(step, runtime.rank, runtime.world) for sampler in samplers)
        labels = source.labels
        return Batch(
            source.images.to(runtime.device),
            target.images.to(runtime.device),
            None if labels is None else labels.to(runtime.device),
            step,
            schedule.rate(step),
        )

    if first >= schedule.last:
        return
    with ThreadPoolExecutor(1, thread_name_prefix="patches") as drawer:
        coming = drawer.submit(draw, first)
        for step in range(first, schedule.last):
            batch = coming.result()
            if step + 1 < schedule.last:
                coming = drawer.submit(draw, step + 1)
            yield batch


def _resume(model: TranslationModel, path: Path, facts: Mapping[str, Any]) -> int:
    """Restore the checkpoint; the number of steps it has behind it."""
    if not path.exists():
        return 0
    tensors, found = checkpoint.read(path, facts["kind"])
    step = found.pop("step", None)
    if found != dict(facts):
        log.warning("%s: of other settings or data; training starts anew", path)
        return 0
    if type(step) is not int or step < 0:
        raise DataError(f"{path}: says nothing of its step. Delete it: training begins anew.")
    model.restore(tensors, path)
    log.info("resuming after step %s from %s", step, path)
    return step
