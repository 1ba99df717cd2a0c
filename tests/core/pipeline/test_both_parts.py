"""A scan that is target and test, or validation: its label trains nothing."""

from __future__ import annotations

import json

import pytest

from past_core.errors import DataError
from past_core.pipeline import Request, run_pipeline
from tests.core.pipeline.toys import FITS, toy_registry


@pytest.fixture
def listed(phantom_of, tmp_path):
    """Four target scans, of which the first ``both`` are test scans as well."""
    phantom = phantom_of(source=2, target=4, test=4)

    def make(both, part="test"):
        def target(n):
            return {
                "image": str(phantom / f"target_training/crossmoda_{n}_hrT2.nii.gz"),
                "label": str(phantom / f"target_oracle/crossmoda_{n}_Label.nii.gz"),
            }

        source = [
            {
                "image": str(phantom / f"source_training/crossmoda_{n}_ceT1.nii.gz"),
                "label": str(phantom / f"source_training/crossmoda_{n}_Label.nii.gz"),
            }
            for n in (1, 2)
        ]
        content = {
            "labels": {"background": 0, "vs": 1, "cochlea": 2},
            "source": source,
            "target": [target(n) for n in range(106, 110)],
            "test": [str(phantom / "target_validation/crossmoda_211_hrT2.nii.gz")],
            part: [target(n) for n in range(106, 106 + both)],
        }
        folder = tmp_path / f"listed{both}"
        folder.mkdir()
        (folder / "dataset.json").write_text(json.dumps(content))
        return folder

    return make


def go(folder, data):
    FITS.clear()
    request = Request(folder, data=data, oracle=True, rounds=1, **PLUGINS)
    return run_pipeline(request, registry=toy_registry())


PLUGINS = {
    "translator": "match",
    "segmenter": "bayes",
    "strategy": "keep",
    "assignments": ("dataset.outside=true",),
}


@pytest.mark.parametrize("part", ["test", "validation"])
def test_it_is_scored_and_its_label_trains_nothing(listed, tmp_path, part):
    data = listed(2, part)
    result = go(tmp_path / "run", data)
    assert {score.part for score in result.scores()} == {part}
    assert {score.case for score in result.scores()} == {
        "crossmoda_106_hrT2",
        "crossmoda_107_hrT2",
    }
    fits = {fit.stage: fit for fit in FITS}
    assert set(fits["fit-oracle"].cases) == {"crossmoda_108_hrT2", "crossmoda_109_hrT2"}
    assert "crossmoda_106_hrT2" in fits["fit-bayes-st1"].cases
    labels = {label for _, label, _ in fits["fit-bayes-st1"].cases.values()}
    assert labels == {"crop-source", "select-bayes-st1"}


def test_an_oracle_of_test_scans_alone_is_refused(listed, tmp_path):
    with pytest.raises(DataError, match="all but 1 of the labelled target scans are test scans"):
        go(tmp_path / "run", listed(3))


def test_the_very_scans_of_the_target_may_be_the_test(listed, tmp_path):
    """Two parts are one stage then; what is drawn and planned finds both."""
    request = Request(tmp_path / "run", data=listed(4), rounds=1, **PLUGINS)
    result = run_pipeline(request, registry=toy_registry())
    (translations,) = result.translations()
    assert all(path.is_file() for _, path in translations.target)
    assert len(translations.target) == len(result.segmented()) == 4
    assert all(one.image.is_file() for one in result.segmented())
