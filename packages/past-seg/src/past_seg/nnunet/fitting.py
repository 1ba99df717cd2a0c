"""Training by nnU-Net: plan from the cases, preprocess, train, and keep what comes of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from past_core.errors import DataError
from past_core.files import read_json, write_json
from past_seg.nnunet import planning, storage
from past_seg.nnunet.capture import captured
from past_seg.nnunet.claim import claim
from past_seg.nnunet.folders import Folders, Json, dataset_json, environment, write_raw
from past_seg.nnunet.plans import check_plans, configuration_name
from past_seg.nnunet.preprocessing import preprocess, preprocess_unlabelled
from past_seg.nnunet.seeding import kept_random_state
from past_seg.nnunet.trainer import Trainer
from past_seg.nnunet.widths import narrowest_width

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from past_core.case import Case
    from past_core.interfaces import Context, Unlabelled
    from past_core.labels import Labels
    from past_seg.nnunet.config import NNUNetConfig

__all__ = ["Training"]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Training:
    """One training and all that decides it."""

    kind: str
    """``nnunet`` or ``resunet``."""
    config: NNUNetConfig
    cases: Sequence[Case]
    labels: Labels
    context: Context
    unlabelled: Unlabelled | None = None
    """What else is learnt from."""

    def run(self, init_from: Path | None) -> storage.Saved:
        """Plan and train; see ``past_seg.nnunet.segmenter.NNUNet.fit``.

        Raises
        ------
        DataError
            If a case cannot be trained on, or ``init_from`` does not fit.
        """
        start = None if init_from is None else self._start_from(init_from)
        claim(self.context.folder, self._work(init_from, start))
        with environment(self.context.folder, loaders=1) as folders:
            dataset, plans = self._prepare(folders, start)
        with environment(self.context.folder, loaders=0), kept_random_state():
            with captured(log.info):
                trainer = Trainer(
                    plans | {"continue_training": False},
                    configuration_name(plans),
                    "all",
                    dataset,
                    torch.device(self.context.device),
                )
                trainer.prepare(
                    self.config,
                    self.context,
                    self.cases,
                    warm=start is not None,
                    unlabelled=None
                    if self.unlabelled is None
                    else (self.unlabelled, self._unlabelled_folder),
                )
            if start is not None:
                storage.load_unique(trainer.network, start.weights)
            trainer.fit()
        return storage.Saved(
            self.kind,
            self.config.model_dump(),
            self.labels.structures,
            plans,
            {key: value for key, value in dataset.items() if key != "dataset"},
            storage.unique_weights(trainer.kept),
        )

    @property
    def _unlabelled_folder(self) -> Path:
        return self.context.folder / "preprocessed" / "unlabelled"

    def _start_from(self, folder: Path) -> storage.Saved:
        """Read a saved segmenter that training can go on from."""
        start = storage.read(folder, self.kind)
        if start.structures != self.labels.structures:
            raise DataError(
                f"{folder}: was trained for {list(start.structures)}, not for "
                f"{list(self.labels.structures)}. Start from random weights instead."
            )
        for key in sorted(self.config.network):
            was, now = start.config.get(key), getattr(self.config, key)
            if was != now:
                raise DataError(
                    f"{folder}: was planned with {key} = {was}, the recipe has {now}. "
                    f"Set {key} = {was}, or start from random weights."
                )
        return start

    def _work(self, init_from: Path | None, start: storage.Saved | None) -> list[Path | Json]:
        """All that a training depends on, files among it."""
        parts: list[Path | Json] = [
            {
                "kind": self.kind,
                "config": self.config.decisive(),
                "structures": self.labels.structures,
                "seed": self.context.seed,
                "cases": [(case.id, case.weight) for case in self.cases],
                "warm": init_from is not None,
            }
        ]
        files = [
            path for case in self.cases for path in (case.image, case.label, case.voxel_weights)
        ]
        if self.unlabelled is not None:
            drawn = [(case.id, case.weight) for case in self.unlabelled.cases]
            parts.append({"online": self.unlabelled.identity, "unlabelled": drawn})
            files += [case.image for case in self.unlabelled.cases]
        parts += [path for path in files if path is not None]
        if init_from is not None and start is not None:
            parts += [start.plans, init_from / storage.WEIGHTS]
        return parts

    def _prepare(self, folders: Folders, start: storage.Saved | None) -> tuple[Json, Json]:
        """Write, plan and preprocess the data set; return nnU-Net's ``dataset.json`` and plans."""
        note = folders.root / "prepared.json"
        total = self.config.total_iterations(warm=start is not None)

        def progress(done: int, count: int) -> None:
            self.context.progress(0, total, f"preprocessing {done + 1}/{count}")

        if not note.exists():
            dataset = write_raw(folders, self.cases, self.labels)
            if start is None:
                width = narrowest_width(self.cases, self.labels)
                with captured(log.info):
                    planning.extract_fingerprint(folders, dataset)
                plans = planning.make_plans(folders, self.kind, self.config, width)
                log.info("%s: %s", self.kind, planning.said(plans, width))
            else:
                plans = start.plans
            plans = planning.with_batch_size(plans, self.config.batch_size)
            write_json(note, {"ignores": "ignore" in dataset["labels"], "plans": plans})
        dataset, plans = self._prepared(note)
        preprocess(folders, self.cases, dataset, plans, progress)
        if self.unlabelled is not None:
            folder, cases = self._unlabelled_folder, self.unlabelled.cases
            preprocess_unlabelled(folder, cases, dataset, plans, progress)
        return dataset, plans

    def _prepared(self, note: Path) -> tuple[Json, Json]:
        """Data set and plans as this training, perhaps an earlier start of it, noted them."""
        try:
            prepared = read_json(note, "")
            plans, ignores = prepared["plans"], bool(prepared["ignores"])
            check_plans(plans, self.kind)
        except (DataError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{note}: not what preparing a training writes ({error}). Delete {note.parent}: "
                "the training begins anew."
            ) from error
        return dataset_json(self.cases, self.labels, with_ignore=ignores), plans
