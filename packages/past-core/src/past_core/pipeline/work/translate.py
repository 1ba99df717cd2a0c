"""Pixel alignment: X_s becomes X̂_s, which looks like the target; its labels carry over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from past_core.case import Domain
from past_core.files import load_json
from past_core.intensity import vary as vary_intensity
from past_core.interfaces import Translator
from past_core.labels import Labels
from past_core.pipeline.layout import GRIDS, copy_id, image_path, model_path
from past_core.pipeline.stage import derive_seed
from past_core.pipeline.work.sound import require_translation
from past_core.pipeline.work.workspace import Work, fit_once
from past_core.roi import ROI
from past_core.volume import Volume, load_volume, save_volume

__all__ = ["fit", "measure", "translate", "vary"]


def fit(params: Mapping[str, Any], work: Work) -> None:
    """Train a translator on unpaired source and target scans.

    Parameters
    ----------
    params
        ``plugin``, ``labels`` (names of the structures), ``source`` and ``target`` (scans).
    """
    translator: Translator = work.create(params["plugin"])
    source = [work.case(entry, Domain.SOURCE) for entry in params["source"]]
    target = [work.case(entry, Domain.TARGET) for entry in params["target"]]
    labels = Labels(tuple(params["labels"]))
    fit_once(work, lambda: translator.fit(source, target, labels, work.context()), translator)


def measure(params: Mapping[str, Any], work: Work) -> None:
    """Measure a fitted translator without target labels.

    Parameters
    ----------
    params
        ``plugin``, and ``labels``, ``source`` and ``target`` as for ``fit``.
    """
    factory: type[Translator] = work.factory(params["plugin"])
    translator = factory.load(model_path(work.inputs["model"]), work.device)
    source = [work.case(entry, Domain.SOURCE) for entry in params["source"]]
    target = [work.case(entry, Domain.TARGET) for entry in params["target"]]
    translator.measure(source, target, Labels(tuple(params["labels"])), work.context())
    work.discard_scratch()


def translate(params: Mapping[str, Any], work: Work) -> None:
    """Translate every source scan.

    Parameters
    ----------
    params
        ``plugin`` (the translator; its settings are in what was saved) and ``source``. With
        ``cut``, what is kept of translations: the region ``roi`` of that ``of`` which the source
        was cut to.
    """
    factory: type[Translator] = work.factory(params["plugin"])
    translator = factory.load(model_path(work.inputs["model"]), work.device)
    for done, entry in enumerate(params["source"], start=1):
        case = work.case(entry, Domain.SOURCE)
        path = image_path(work.folder, case.id)
        if not path.exists():
            source = case.load_image()
            given = translator.translate(source)
            translated = require_translation(params["plugin"], given, source)
            if "cut" in params:
                translated = _cut(translated, params["cut"], work, entry["images"])
            save_volume(translated, path)
        work.progress(done, len(params["source"]), case.id)


def _cut(translated: Volume, cut: Mapping[str, Any], work: Work, place: Sequence[str]) -> Volume:
    """What segmenters see of a translation."""
    role, case_id = place
    grid = load_json(work.inputs[role] / GRIDS)[case_id]
    whole = np.broadcast_to(np.uint8(0), grid["shape"])
    shape = Volume(whole, np.array(grid["affine"])).canonical().shape
    return translated.cut(ROI.of(cut["roi"]).within(ROI.of(cut["of"]), shape))


def vary(params: Mapping[str, Any], work: Work) -> None:
    """Copy scans with other intensities of the structures.

    Parameters
    ----------
    params
        ``cases`` with labels, ``number`` of copies of each, ``intensity`` (least and greatest
        factor).
    """
    low, high = params["intensity"]
    for done, entry in enumerate(params["cases"], start=1):
        case = work.case(entry, Domain.SOURCE)
        assert case.label is not None
        scan, label = case.load_image(), load_volume(case.label, np.uint8).data
        for number in range(1, params["number"] + 1):
            copy = copy_id(case.id, number)
            path = image_path(work.folder, copy)
            if not path.exists():
                random = np.random.default_rng(derive_seed(work.seed, copy))
                save_volume(vary_intensity(scan, label, (low, high), random), path)
        work.progress(done, len(params["cases"]), case.id)
