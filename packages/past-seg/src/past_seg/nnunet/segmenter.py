"""The plugins ``nnunet`` and ``resunet``: fit, predict, save and load."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch

from past_core.config import parse_config
from past_core.errors import ConfigError, DataError
from past_core.files import write_json
from past_core.interfaces import Segmenter
from past_core.labels import Labels
from past_seg.nnunet import planning, storage
from past_seg.nnunet.capture import captured
from past_seg.nnunet.claim import claim
from past_seg.nnunet.config import NNUNetConfig, ResUNetConfig
from past_seg.nnunet.folders import Folders, Json, environment, write_raw
from past_seg.nnunet.prediction import Predictor
from past_seg.nnunet.seeding import kept_random_state
from past_seg.nnunet.trainer import Trainer
from past_seg.nnunet.widths import narrowest_width

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from past_core.case import Case
    from past_core.interfaces import Context
    from past_core.volume import Volume

__all__ = ["NNUNet", "ResUNet"]

log = logging.getLogger(__name__)

PLANNED_BY = (
    "base_features",
    "max_features",
    "gpu_memory_gb",
    "patch_voxels",
    "coverage",
    "structure_voxels",
)
"""Settings that decide the network; a warm start must not change them."""


class NNUNet(Segmenter):
    """nnU-Net (Isensee et al. 2021) with its plain encoder, at full resolution in 3D."""

    kind: ClassVar[str] = "nnunet"
    """Name of the plugin, written into saved files."""
    config_class: ClassVar[type[NNUNetConfig]] = NNUNetConfig

    config: NNUNetConfig

    def __init__(self, config: NNUNetConfig) -> None:
        super().__init__(config)
        self._saved: storage.Saved | None = None
        self._predictor: Predictor | None = None
        self._device = "cpu"

    def fit(
        self,
        cases: Sequence[Case],
        labels: Labels,
        context: Context,
        init_from: Path | None = None,
    ) -> None:
        """Plan from the cases and train; see ``past_core.interfaces.Segmenter.fit``.

        With ``init_from``, plan and weights are those saved there, and the numbers of the
        configuration's ``warm_`` settings hold. ``context.folder`` gets nnU-Net's folders
        ``raw`` and ``preprocessed``, ``checkpoint.pt`` and ``record/losses.csv``.

        Raises
        ------
        DataError
            If a case cannot be trained on, or ``init_from`` does not fit.
        """
        start = None if init_from is None else self._start_from(init_from, labels)
        claim(context.folder, self._work(cases, labels, context, init_from, start))
        with environment(context.folder, loaders=1) as folders:
            dataset, plans = self._prepare(folders, cases, labels, context, start)
        with environment(context.folder, loaders=0), kept_random_state():
            with captured(log.info):
                trainer = Trainer(
                    plans | {"continue_training": False},
                    planning.configuration_name(plans),
                    "all",
                    dataset,
                    torch.device(context.device),
                )
                weights = {case.id: case.weight for case in cases}
                trainer.prepare(self.config, context, weights, warm=start is not None)
            if start is not None:
                storage.load_unique(trainer.network, start.weights)
            trainer.fit()
        self._keep(
            storage.Saved(
                self.kind,
                self.config.model_dump(),
                labels.structures,
                plans,
                {key: value for key, value in dataset.items() if key != "dataset"},
                storage.unique_weights(trainer.network),
            ),
            context.device,
        )

    def predict(self, volume: Volume) -> npt.NDArray[np.floating[Any]]:
        """Class probabilities; see ``past_core.interfaces.Segmenter.predict``."""
        saved = self._trained()
        if self._predictor is None:
            heads = len(saved.structures) + 1
            network = storage.build_network(saved, heads)
            self._predictor = Predictor(
                network, saved.plans, saved.dataset, self.config, self._device
            )
        return self._predictor(volume)

    def save(self, folder: Path) -> None:
        """Write ``weights.safetensors`` and ``segmenter.json``."""
        storage.write(self._trained(), folder)

    @classmethod
    def load(
        cls, folder: Path, device: str = "cpu", prediction: Mapping[str, Any] | None = None
    ) -> Self:
        """Read back what ``save`` wrote; no code in the files is run.

        Raises
        ------
        DataError
            If a file is missing, damaged, or of another segmenter.
        ConfigError
            If ``prediction`` has a key or a value that is not allowed.
        """
        saved = storage.read(folder, cls.kind)
        try:
            config = parse_config(cls.config_class, saved.config, "config")
        except ConfigError as error:
            raise DataError(f"{folder / storage.DESCRIPTION}: {error} Train anew.") from error
        if prediction:
            config = config.predicting(prediction)
            saved = replace(saved, config=config.model_dump())
        segmenter = cls(config)
        segmenter._keep(saved, device)
        return segmenter

    def _keep(self, saved: storage.Saved, device: str) -> None:
        self._saved, self._device, self._predictor = saved, device, None

    def _trained(self) -> storage.Saved:
        if self._saved is None:
            raise ValueError(f"this {self.kind} is not trained: call fit or load first")
        return self._saved

    def _start_from(self, folder: Path, labels: Labels) -> storage.Saved:
        """Read a saved segmenter that training can go on from."""
        start = storage.read(folder, self.kind)
        if start.structures != labels.structures:
            raise DataError(
                f"{folder}: was trained for {list(start.structures)}, not for "
                f"{list(labels.structures)}. Start from random weights instead."
            )
        for key in PLANNED_BY:
            was, now = start.config.get(key), getattr(self.config, key)
            if was != now:
                raise DataError(
                    f"{folder}: was planned with {key} = {was}, the recipe has {now}. "
                    f"Set {key} = {was}, or start from random weights."
                )
        return start

    def _work(
        self,
        cases: Sequence[Case],
        labels: Labels,
        context: Context,
        init_from: Path | None,
        start: storage.Saved | None,
    ) -> list[Path | Json]:
        """All that a training depends on, files among it."""
        parts: list[Path | Json] = [
            {
                "kind": self.kind,
                "config": self.config.decisive(),
                "structures": labels.structures,
                "seed": context.seed,
                "cases": [(case.id, case.weight) for case in cases],
                "warm": init_from is not None,
            }
        ]
        parts += [path for case in cases for path in (case.image, case.label) if path is not None]
        if init_from is not None and start is not None:
            parts += [start.plans, init_from / storage.WEIGHTS]
        return parts

    def _prepare(
        self,
        folders: Folders,
        cases: Sequence[Case],
        labels: Labels,
        context: Context,
        start: storage.Saved | None,
    ) -> tuple[Json, Json]:
        """Write, plan and preprocess the data set; return nnU-Net's ``dataset.json`` and plans."""
        note = folders.root / "prepared.json"
        total = self.config.total_iterations(warm=start is not None)
        if not note.exists():
            dataset = write_raw(folders, cases, labels)
            if start is None:
                width = narrowest_width(cases, labels)
                with captured(log.info):
                    planning.extract_fingerprint(folders, dataset)
                plans = planning.make_plans(folders, self.kind, self.config, width)
                log.info("%s: %s", self.kind, planning.said(plans, width))
            else:
                plans = start.plans
            plans = planning.with_batch_size(plans, self.config.batch_size)
            write_json(note, {"dataset": dataset, "plans": plans})
        prepared = json.loads(note.read_text())
        dataset, plans = prepared["dataset"], prepared["plans"]
        planning.preprocess(
            folders,
            dataset,
            plans,
            lambda done, count: context.progress(0, total, f"preprocessing {done + 1}/{count}"),
        )
        return dataset, plans


class ResUNet(NNUNet):
    """nnU-Net with a residual encoder, planned as by its ResEnc planners."""

    kind = "resunet"
    config_class = ResUNetConfig
