"""Translators see one region, segmenters one within it; intensities are scaled once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from past_core.errors import ConfigError, DataError
from past_core.exported import load_system
from past_core.pipeline.layout import GRIDS, image_path, model_path
from past_core.roi import ROI
from past_core.volume import load_volume

INNER = ROI((1 / 4, 1 / 4, 0), (3 / 4, 5 / 8, 1))
OUTER = ROI((1 / 4, 1 / 4, 0), (3 / 4, 3 / 4, 1))
BOTH = ("crop.roi.lower=[0.3,0.3,0]", "crop.roi.upper=[0.7,0.6,1]")
WIDER = (
    *BOTH,
    "crop.translation_roi.lower=[0.1,0.2,0]",
    "crop.translation_roi.upper=[0.9,0.8,1]",
)


@pytest.fixture
def done(run, request_of):
    """A run of two rounds on crossMoDA's layout, which has the paper's two regions."""
    return run(request_of(rounds=1))[0]


def image(run, stage_of, stage, case):
    return load_volume(image_path(stage_of(run, stage), case))


def scan(run, part, number=0):
    entry = [entry for entry in run.inventory["cases"] if entry["part"] == part][number]
    return entry["id"], load_volume(Path(entry["image"]))


def cut(roi, outer, wide, whole):
    """What the inner region is of what the outer one gave."""
    return wide.data[roi.within(outer, whole.canonical().shape)]


def test_a_translation_is_made_of_the_wide_region_and_cut_to_the_narrow_one(
    done, registry, stage_of
):
    case, whole = scan(done, "source")
    wide = image(done, stage_of, "crop-wide-source", case)
    assert wide.shape == OUTER.crop(whole).shape
    translator = registry.factory("translator", "match").load(
        model_path(stage_of(done, "fit-aligned")), "cpu"
    )
    expected = cut(INNER, OUTER, translator.translate(wide), whole)
    kept = image(done, stage_of, "translate-aligned", case)
    assert np.array_equal(kept.data, expected)
    assert np.allclose(kept.affine, INNER.crop(whole).affine, atol=1e-4)


def test_translations_can_be_looked_at_beside_their_source_as_soon_as_they_are_made(
    run, request_of
):
    done, _ = run(request_of(until="translate"))
    (found,) = done.translations()
    for _, source, translated, label in found.scans:
        shapes = {load_volume(path).shape for path in (source, translated, label)}
        assert len(shapes) == 1
    assert all(path.is_file() for _, path in found.target)


@pytest.mark.parametrize("part", ["source", "target"])
def test_segmenters_see_the_intensities_that_translators_see(done, stage_of, part):
    case, whole = scan(done, part)
    wide = image(done, stage_of, f"crop-wide-{part}", case)
    assert (wide.data.min(), wide.data.max()) == (0, 255)
    narrow = image(done, stage_of, f"crop-{part}", case)
    assert narrow.shape == INNER.crop(whole).shape
    assert np.array_equal(narrow.data, cut(INNER, OUTER, wide, whole))


def test_a_scan_to_segment_is_scaled_as_those_to_learn_from(done, stage_of):
    case, whole = scan(done, "test")
    stage = stage_of(done, "crop-test")
    manifest = json.loads((stage / "manifest.json").read_text())
    assert manifest["params"]["scaled_over"] == [*OUTER.lower, *OUTER.upper]
    assert image(done, stage_of, "crop-test", case).shape == INNER.crop(whole).shape
    assert tuple(json.loads((stage / GRIDS).read_text())[case]["shape"]) == whole.shape


def test_another_scan_is_scaled_alike_when_the_system_is_kept(done, registry):
    loaded = load_system(done.folder, system="translated", registry=registry)
    for number in range(2):
        case, _ = scan(done, "test", number)
        entry = next(e for e in done.inventory["cases"] if e["id"] == case)
        known = load_volume(done.segmentations("translated") / f"{case}_Label.nii.gz", np.uint8)
        assert np.array_equal(loaded.segment(entry["image"]).labels.data, known.data)


def test_a_region_of_ones_own_is_one_for_both(run, request_of, stage_of):
    done, _ = run(request_of(rounds=0, assignments=BOTH))
    case, whole = scan(done, "source")
    roi = ROI((0.3, 0.3, 0), (0.7, 0.6, 1))
    assert image(done, stage_of, "translate-aligned", case).shape == roi.crop(whole).shape
    assert not list((done.folder / "stages").glob("crop-wide-*"))
    assert done.roi == roi


def test_both_regions_may_be_ones_own(run, request_of, stage_of):
    done, _ = run(request_of(rounds=0, assignments=WIDER))
    case, whole = scan(done, "target")
    outer = ROI((0.1, 0.2, 0), (0.9, 0.8, 1))
    wide = image(done, stage_of, "crop-wide-target", case)
    assert wide.shape == outer.crop(whole).shape
    case, whole = scan(done, "source")
    kept = image(done, stage_of, "translate-aligned", case)
    assert np.allclose(kept.affine, done.roi.crop(whole).affine, atol=1e-4)
    assert kept.shape == done.roi.crop(whole).shape


def test_a_region_that_is_not_all_translated_is_refused(run, request_of):
    narrower = (*BOTH, "crop.translation_roi.upper=[0.9,0.5,1]")
    with pytest.raises(ConfigError, match=r"axis 1 runs from 0.3 to 0.6, beyond the region of"):
        run(request_of(assignments=narrower))


def test_another_region_is_checked_anew(run, request_of):
    """Finds cases that stay sound because their files are the same."""
    run(request_of(until="check"))
    request = request_of(
        until="check", assignments=("crop.roi.lower=[0, 0, 0]", "crop.roi.upper=[0.1, 0.1, 1]")
    )
    for _ in range(2):
        with pytest.raises(DataError, match="the region of interest leaves out all of vs"):
            run(request)
    run(request_of(until="check"))
