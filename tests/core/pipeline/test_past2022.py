"""The successor's systems file on a made tree of its own challenge."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from past_cli.recipes import read_recipe
from past_cli.systems import FOLDER
from past_core.pipeline import Request, load_systems, plan_pipeline, run_pipeline
from past_core.pipeline.systems_file import replaced
from past_core.volume import load_volume
from tests.core.pipeline.toys import FITS, toy_registry

CENTRES = {"ldn": "London", "etz": "Tilburg"}
ROUNDS = ("", "-st1", "-st2", "-st3", "-st4")


@pytest.fixture(scope="module")
def tree(phantom_of, tmp_path_factory):
    """The phantom's scans under the names of 2022, one protocol a centre."""
    phantom = phantom_of(source=2, target=4, test=2)
    folder = tmp_path_factory.mktemp("2022")
    for part, place, contrast in (
        ("source_training", "training_source", "ceT1"),
        ("target_training", "training_target", "hrT2"),
        ("target_validation", "validation", "hrT2"),
    ):
        (folder / place).mkdir()
        for image in sorted((phantom / part).glob(f"*_{contrast}.nii.gz")):
            number = int(image.name.split("_")[1])
            name = f"crossmoda202{2 - number % 2}_{'ldn' if number % 2 else 'etz'}_{number}"
            for kind in (contrast, "Label"):
                file = image.with_name(image.name.replace(contrast, kind))
                if file.is_file():
                    shutil.copy(file, folder / place / f"{name}_{kind}.nii.gz")
    return folder


def toy(content):
    for translation in content["translation"]:
        translation["settings"] = {}
    for model in content["model"]:
        model["segmenter"] = {"nnunet": "bayes", "resunet": "smooth"}[model["segmenter"]]
        for one in model.get("round", []):
            one["settings"] = {"above": 0.6}


@pytest.fixture(scope="module")
def done(tree, tmp_path_factory):
    FITS.clear()
    request = Request(
        tmp_path_factory.mktemp("past2022") / "run",
        data=tree,
        systems=replaced(load_systems(FOLDER / "past2022.toml"), toy),
        translator="match",
        strategy="keep",
    )
    return run_pipeline(request, registry=toy_registry()), {fit.stage: fit for fit in FITS}


def test_each_centre_has_models_of_its_own_and_four_rounds(done):
    _, fits = done
    for model in ("nnunet", "resunet"):
        for centre in CENTRES.values():
            assert {f"fit-{model}@{centre}{last}" for last in ROUNDS} <= set(fits)


def test_the_last_two_rounds_see_real_scans_alone(done):
    _, fits = done
    for number, last in enumerate(ROUNDS):
        cases = fits[f"fit-nnunet@London{last}"].cases
        images = {image for image, _, _ in cases.values()}
        assert ("crop-target" in images) == (number > 0)
        assert ("translate-aligned@London" in images) == (number < 3)
        if number:
            assert {label for _, label, _ in cases.values()} == {f"select-nnunet@London{last}"}
            assert (
                fits[f"fit-nnunet@London{last}"].start == f"fit-nnunet@London{ROUNDS[number - 1]}"
            )


def test_one_region_is_for_both(done):
    run, fits = done
    assert run.roi.lower == (0.1875, 0.1875, 0)
    assert run.roi.upper == (0.8125, 0.8125, 1)
    assert {image for image, _, _ in fits["fit-aligned@London"].cases.values()} == {
        "crop-source",
        "crop-target",
    }


def test_centre_and_structure_decide_who_answers(done, stage_of):
    run, _ = done
    seen = 0
    for entry in (entry for entry in run.inventory["cases"] if entry["part"] == "test"):
        assert entry["protocol"] == CENTRES[entry["id"].split("_")[1]]
        past, resunet, nnunet = (
            load_volume(run.segmentations(name) / f"{entry['id']}_Label.nii.gz", np.uint8).data
            for name in ("past2022", "resunet-st4", "nnunet-st4")
        )
        np.testing.assert_array_equal((past == 1)[nnunet != 2], (resunet == 1)[nnunet != 2])
        np.testing.assert_array_equal((past == 2)[resunet != 1], (nnunet == 2)[resunet != 1])
        seen += int((past > 0).sum())
    assert seen


@pytest.mark.parametrize("recipe", ["smoke", "quick", "paper2022"])
def test_the_segmenter_inside_the_translator_weighs_what_it_did(tree, tmp_path, recipe):
    systems = load_systems(FOLDER / "past2022.toml")
    # The published patches are larger than the tree's scans.
    patches = ("translator.crop=auto",) if recipe == "paper2022" else ()
    request = Request(
        tmp_path / "run",
        data=tree,
        systems=systems,
        recipe=read_recipe(recipe),
        assignments=patches,
    )
    planned, _ = plan_pipeline(request)
    stages = {stage.name: stage for stage in planned.graph}
    config = stages["fit-aligned@Tilburg"].params["plugin"]["config"]
    assert config["segmentation"]["weight"] == 100
    assert config["segmentation"]["warm_up"] > 0
    assert (config["adversarial_weight"], config["cycle_weight"]) == (1, 10)
    assert config["reconstruction_weight"] == 10
    if recipe == "paper2022":
        config = stages["fit-resunet@Tilburg-st1"].params["plugin"]["config"]
        assert (config["learning_rate"], config["warm_learning_rate"]) == (0.008, 0.008)
