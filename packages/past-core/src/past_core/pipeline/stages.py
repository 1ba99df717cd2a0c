"""What each stage does: Algorithm 1 of the PAST paper, line by line.

A stage reads its inputs' folders and fills its own. Each file appears whole or not at
all, so a stage that was interrupted skips what it finds and does the rest.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from past_core.case import Case
from past_core.dataset import Dataset
from past_core.errors import DataError
from past_core.files import atomic_path
from past_core.intensity import rescale, vary
from past_core.interfaces import Prediction, Segmenter, Strategy, Translator
from past_core.pipeline.layout import (
    copy_of,
    image_path,
    label_path,
    model_path,
    placed,
    probability_path,
    segment_stage,
)
from past_core.pipeline.settings import Choice, Settings
from past_core.pipeline.stage import Workspace, derive_seed
from past_core.plugins import Registry
from past_core.roi import ROI
from past_core.scoring import score_case, write_scores
from past_core.volume import Volume, load_volume, read_header, save_volume

__all__ = ["Stages"]


class Stages:
    """The stages of one run, bound to its settings, data set and plugins."""

    def __init__(self, settings: Settings, dataset: Dataset, registry: Registry) -> None:
        self.settings = settings
        self.dataset = dataset
        self.registry = registry
        region = settings.pipeline.roi
        self.roi: ROI = dataset.roi if region is None else region.as_roi()

    # Before the algorithm: one region, one orientation, one range of intensities.

    def crop(self, work: Workspace) -> None:
        """Cut every scan to the region of interest, canonical (RAS+), scaled to [0, 255]."""
        cases = list(self.dataset.cases())
        for done, case in enumerate(cases, start=1):
            image = image_path(work.folder, case)
            if case.label is not None and not label_path(work.folder, case).exists():
                label = self.roi.crop(case.load_label())
                save_volume(label, label_path(work.folder, case))
            if not image.exists():
                cropped = rescale(
                    self.roi.crop(case.load_image()), high=self.settings.pipeline.clip_percentile
                )
                save_volume(cropped, image)
            work.progress(done, len(cases), case.id)

    # Pixel alignment: X_s -> X̂_s.

    def fit_translator(self, work: Workspace) -> None:
        """Train the translator on unpaired source and target scans."""
        crop = work.inputs["crop"]
        translator: Translator = self._create(self.settings.translator)

        def fit() -> None:
            source = placed(self.dataset.source, crop, crop)
            target = placed(self.dataset.target, crop, None)
            translator.fit(source, target, self.dataset.labels, work.context())

        _fit_once(work, fit, translator)

    def translate(self, work: Workspace) -> None:
        """Translate every source scan; its label carries over."""
        crop = work.inputs["crop"]
        factory: type[Translator] = self._factory(self.settings.translator)
        translator = factory.load(model_path(work.inputs["fit-translator"]), work.device)
        for done, case in enumerate(self.dataset.source, start=1):
            path = image_path(work.folder, case)
            if not path.exists():
                source = load_volume(image_path(crop, case))
                translated = translator.translate(source)
                _require_grid(self.settings.translator, translated.data.shape, source)
                save_volume(translated, path)
            work.progress(done, len(self.dataset.source), case.id)

    def vary(self, work: Workspace) -> None:
        """Copy translated scans with other intensities of the structures."""
        crop, translated = work.inputs["crop"], work.inputs["translate"]
        copies = self.settings.pipeline.copies
        for done, case in enumerate(self.dataset.source, start=1):
            scan = load_volume(image_path(translated, case))
            label = load_volume(label_path(crop, case), np.uint8).data
            for number in range(1, copies.number + 1):
                copy = copy_of(case, number)
                path = image_path(work.folder, copy)
                if not path.exists():
                    random = np.random.default_rng(derive_seed(work.seed, copy.id))
                    save_volume(vary(scan, label, copies.intensity, random), path)
            work.progress(done, len(self.dataset.source), case.id)

    # Segmentation: S_0 on (X̂_s, Y_s), and the two bounds beside it.

    def fit_no_da(self, work: Workspace) -> None:
        """Train on source scans as they are: the lower bound."""
        crop = work.inputs["crop"]
        self._fit_segmenter(work, placed(self.dataset.source, crop, crop))

    def fit_oracle(self, work: Workspace) -> None:
        """Train on the target's own labels: the upper bound."""
        crop = work.inputs["crop"]
        self._fit_segmenter(work, placed(self.dataset.target, crop, crop))

    def fit_translated(self, work: Workspace) -> None:
        """Train S_0 on translated scans with the source's labels."""
        self._fit_segmenter(work, self._translated_cases(work, work.inputs["crop"]))

    # Self-training: for k = 1 .. K.

    def label(self, work: Workspace, previous: str) -> None:
        """Predict X_c = {X̂_s, X_t} with S_{k-1}."""
        segmenter = self._load_segmenter(work.inputs[previous], work.device)
        cases = self._self_training_cases(work)
        for done, case in enumerate(cases, start=1):
            path = probability_path(work.folder, case)
            if not path.exists():
                volume = load_volume(case.image)
                probabilities = self._predict(segmenter, volume)
                with atomic_path(path) as temporary:
                    np.save(temporary, probabilities.astype(np.float16))
            work.progress(done, len(cases), case.id)

    def select(self, work: Workspace, round_number: int) -> None:
        """Keep the top portion q_k; every other voxel becomes *ignore*."""
        assert self.settings.strategy is not None
        strategy: Strategy = self._create(self.settings.strategy)
        cases = {case.id: case for case in self._self_training_cases(work)}
        probabilities = work.inputs[f"label-st{round_number}"]
        predictions = [
            Prediction(case.id, probability_path(probabilities, case)) for case in cases.values()
        ]
        selected = strategy.select(predictions, self.dataset.labels, round_number)
        for done, (case_id, label) in enumerate(selected, start=1):
            case = cases[case_id]
            affine = read_header(case.image).affine
            save_volume(Volume(label.astype(np.uint8), affine), label_path(work.folder, case))
            work.progress(done, len(cases), case_id)

    def fit_round(self, work: Workspace, round_number: int, previous: str) -> None:
        """Train S_k from S_{k-1} on what was kept."""
        crop, selected = work.inputs["crop"], work.inputs[f"select-st{round_number}"]
        kept = self.settings.pipeline.source_labels == "keep"
        source = self._translated_cases(work, crop if kept else selected)
        target = placed(self.dataset.target, crop, selected)
        self._fit_segmenter(work, [*source, *target], init_from=work.inputs[previous])

    # Afterwards: segment the test scans on their own grid, and score.

    def segment(self, work: Workspace, system: str) -> None:
        """Segment the test scans and paste the result back onto the original grid."""
        crop = work.inputs["crop"]
        segmenter = self._load_segmenter(work.inputs[f"fit-{system}"], work.device)
        for done, case in enumerate(self.dataset.test, start=1):
            path = label_path(work.folder, case)
            if not path.exists():
                volume = load_volume(image_path(crop, case))
                winner = self._predict(segmenter, volume).argmax(axis=0).astype(np.uint8)
                header = read_header(case.image)
                i, j, k = header.shape[:3]
                pasted = self.roi.paste(Volume(winner, volume.affine), (i, j, k), header.affine)
                save_volume(pasted, path)
            work.progress(done, len(self.dataset.test), case.id)

    def score(self, work: Workspace) -> None:
        """Compare every system's segmentations with the test labels, where there are any."""
        metrics = {choice.name: self._create(choice) for choice in self.settings.metrics}
        labels = self.dataset.labels
        scored = [case for case in self.dataset.test if case.label is not None]
        rows = []
        for done, system in enumerate(self.settings.systems, start=1):
            folder = work.inputs[segment_stage(system)]
            for case in scored:
                prediction = load_volume(label_path(folder, case), np.uint8)
                reference = case.load_label()
                rows += score_case(
                    prediction, reference, labels, metrics, system=system, case=case.id
                )
            work.progress(done, len(self.settings.systems), system)
        write_scores(work.folder / "scores.csv", rows)

    def _translated_cases(self, work: Workspace, labels: Path) -> list[Case]:
        """X̂_s and its varied copies, with the labels of a folder."""
        cases = placed(self.dataset.source, work.inputs["translate"], labels)
        copies = [
            replace(copy, image=image_path(work.inputs["vary"], copy))
            for number in range(1, self.settings.pipeline.copies.number + 1)
            for copy in (copy_of(case, number) for case in cases)
        ]
        return cases + copies

    def _self_training_cases(self, work: Workspace) -> list[Case]:
        """X_c; translated source scans only where their labels are to be replaced."""
        target = placed(self.dataset.target, work.inputs["crop"], None)
        if self.settings.pipeline.source_labels == "keep":
            return target
        return [*placed(self.dataset.source, work.inputs["translate"], None), *target]

    def _fit_segmenter(
        self, work: Workspace, cases: Sequence[Case], init_from: Path | None = None
    ) -> None:
        segmenter: Segmenter = self._create(self.settings.segmenter)
        start = None if init_from is None else model_path(init_from)
        _fit_once(
            work,
            lambda: segmenter.fit(cases, self.dataset.labels, work.context(), start),
            segmenter,
        )

    def _load_segmenter(self, folder: Path, device: str) -> Segmenter:
        factory: type[Segmenter] = self._factory(self.settings.segmenter)
        return factory.load(model_path(folder), device)

    def _predict(self, segmenter: Segmenter, volume: Volume) -> npt.NDArray[np.floating[Any]]:
        probabilities = segmenter.predict(volume)
        _require_grid(self.settings.segmenter, probabilities.shape[1:], volume)
        return probabilities

    def _create(self, choice: Choice) -> Any:  # noqa: ANN401
        return self.registry.create(choice.kind, choice.name, choice.config)

    def _factory(self, choice: Choice) -> Any:  # noqa: ANN401
        return self.registry.factory(choice.kind, choice.name)


def _fit_once(work: Workspace, fit: Callable[[], None], model: Translator | Segmenter) -> None:
    """Fit and save, unless an interrupted run got as far as saving."""
    final = model_path(work.folder)
    if not final.exists():
        fit()
        partial = work.folder / "model.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        model.save(partial)
        partial.rename(final)
    work.discard_scratch()


def _require_grid(choice: Choice, shape: tuple[int, ...], volume: Volume) -> None:
    if tuple(shape) != volume.shape:
        raise DataError(
            f"the {choice.kind} '{choice.name}' of {choice.version} gave shape {tuple(shape)} for "
            f"a volume of shape {volume.shape}. Report this to its authors."
        )
