"""Before the algorithm: a region, one orientation, one range of intensities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from past_core.files import write_json
from past_core.intensity import rescale
from past_core.pipeline.layout import GRIDS, image_path, label_path
from past_core.pipeline.work.workspace import Work
from past_core.roi import ROI
from past_core.volume import load_volume, save_volume

__all__ = ["crop"]


def crop(params: Mapping[str, Any], work: Work) -> None:
    """Cut every scan to the region of interest, canonical (RAS+), scaled to [0, 255].

    Parameters
    ----------
    params
        ``roi`` (six fractions), ``scaled_over`` (the region whose intensities are scaled, where it
        is another one that holds ``roi``), ``clip_percentile``, and ``cases``: of each its ``id``
        and the SHA-256 of its ``image`` and ``label``, either of which may be None.
    """
    roi = ROI.of(params["roi"])
    wide = ROI.of(params["scaled_over"]) if "scaled_over" in params else None
    grids = {}
    for done, case in enumerate(params["cases"], start=1):
        name = case["id"]
        if case["label"] is not None and not label_path(work.folder, name).exists():
            label = load_volume(work.file(case["label"]), np.uint8)
            save_volume(roi.crop(label), label_path(work.folder, name))
        if case["image"] is not None:
            whole = load_volume(work.file(case["image"]))
            grids[name] = {"shape": whole.shape, "affine": whole.affine.tolist()}
            if not image_path(work.folder, name).exists():
                over = None if wide is None else wide.crop(whole)
                cropped = rescale(roi.crop(whole), high=params["clip_percentile"], over=over)
                save_volume(cropped, image_path(work.folder, name))
        work.progress(done, len(params["cases"]), name)
    write_json(work.folder / GRIDS, grids)
