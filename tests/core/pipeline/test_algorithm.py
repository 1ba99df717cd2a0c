"""Algorithm 1 holds: what each fit and each labelling is handed, file by file.

Each test names the fault that it is there to find.
"""

from __future__ import annotations

import pytest

from past_core.volume import load_volume
from tests.core.pipeline.toys import FITS, LABELLINGS, SELECTED, Labelling, digest

SOURCE = ("crossmoda_1", "crossmoda_2")
TARGET = ("crossmoda_106", "crossmoda_107", "crossmoda_108")

SYSTEMS = """
    [[translation]]
    name = "aligned"
    translator = "match"

    [[model]]
    name = "no-da"
    segmenter = "bayes"
    images = [{ from = "source" }]

    [[model]]
    name = "adapted"
    segmenter = "bayes"
    images = [{ from = "aligned", copies = 1 }]
    [[model.round]]
    repeat = 2
    strategy = "keep"
    images = [{ from = "aligned", labels = "LABELS", copies = 1 }, { from = "target" }]

    [[model]]
    name = "further"
    segmenter = "bayes"
    start = "adapted"
    images = [{ from = "source" }]
    settings = { smoothing = 2.0 }

    [[model]]
    name = "oracle"
    segmenter = "bayes"
    images = [{ from = "target", labels = "true" }]

    [[system]]
    name = "no-da"
    use = "no-da"
    [[system]]
    name = "st2"
    use = "adapted"
    [[system]]
    name = "further"
    use = "further"
    [[system]]
    name = "oracle"
    use = "oracle"
"""


@pytest.fixture(params=["replace", "keep"])
def labels(request):
    return request.param


@pytest.fixture
def done(run, request_of, systems_of, labels):
    """A run of two rounds, and what the plugins were handed in it, by stage."""
    FITS.clear()
    LABELLINGS.clear()
    SELECTED.clear()
    plain = {"translator": None, "segmenter": None, "strategy": None}
    result, _ = run(request_of(systems=systems_of(SYSTEMS.replace("LABELS", labels)), **plain))
    return result, {fit.stage: fit for fit in FITS}


def stages(fit):
    """Where the images of a fit come from, and its labels, by case."""
    return {case: (image, label) for case, (image, label, _) in fit.cases.items()}


def copied(cases):
    return [f"{case}_copy1" for case in cases]


def test_the_translator_learns_from_source_and_target_without_the_targets_labels(done):
    _, fits = done
    assert stages(fits["fit-aligned"]) == {
        **dict.fromkeys(SOURCE, ("crop-wide-source", "crop-wide-source")),
        **dict.fromkeys(TARGET, ("crop-wide-target", None)),
    }


def test_the_lower_bound_is_trained_on_source_scans_as_they_are(done):
    _, fits = done
    expected = dict.fromkeys(SOURCE, ("crop-source", "crop-source"))
    assert stages(fits["fit-no-da"]) == expected


def test_s0_is_trained_on_translated_scans_with_the_sources_labels(done):
    """Finds S_0 trained on untranslated source scans."""
    _, fits = done
    assert stages(fits["fit-adapted"]) == {
        **dict.fromkeys(SOURCE, ("translate-aligned", "crop-source")),
        **dict.fromkeys(copied(SOURCE), ("vary-aligned", "crop-source")),
    }
    assert fits["fit-adapted"].start is None


@pytest.mark.parametrize("k", [1, 2])
def test_rounds_are_trained_on_translated_and_real_scans(done, labels, k):
    """Finds X_c of untranslated scans, and ``labels`` ignored."""
    _, fits = done
    selected = f"select-adapted-st{k}"
    carried = selected if labels == "replace" else "crop-source"
    assert stages(fits[f"fit-adapted-st{k}"]) == {
        **dict.fromkeys(SOURCE, ("translate-aligned", carried)),
        **dict.fromkeys(copied(SOURCE), ("vary-aligned", carried)),
        **dict.fromkeys(TARGET, ("crop-target", selected)),
    }


@pytest.mark.parametrize("k", [1, 2])
def test_each_round_starts_from_the_weights_of_the_one_before(done, k):
    """Finds S_k always started from S_0."""
    _, fits = done
    assert fits[f"fit-adapted-st{k}"].start == ("fit-adapted" if k == 1 else "fit-adapted-st1")


def test_a_model_with_a_start_goes_on_from_the_last_round_of_that_one(done):
    """Finds the start ignored, its S_0 taken, or its scans trained on again."""
    _, fits = done
    assert fits["fit-further"].start == "fit-adapted-st2"
    assert stages(fits["fit-further"]) == dict.fromkeys(SOURCE, ("crop-source", "crop-source"))


@pytest.mark.parametrize("k", [1, 2])
def test_each_round_labels_x_c_with_the_model_of_the_round_before(done, labels, k, stage_of):
    """Finds labelling always with S_0, and labelling of other scans than X_c."""
    result, _ = done
    translated, crop = stage_of(result, "translate-aligned"), stage_of(result, "crop-target")
    images = [crop / f"{case}_image.nii.gz" for case in TARGET]
    if labels == "replace":
        images += [translated / f"{case}_image.nii.gz" for case in SOURCE]
    model = "fit-adapted" if k == 1 else "fit-adapted-st1"
    wanted = {Labelling(model, digest(load_volume(path).data)) for path in images}
    labelled = stage_of(result, f"label-{model.removeprefix('fit-')}-for-st{k}")
    assert len(list(labelled.glob("*_probabilities.npy"))) == len(images)
    assert wanted <= set(LABELLINGS)
    others = {one.image for one in LABELLINGS if one.model == model} - {w.image for w in wanted}
    test = stage_of(result, "crop-test")
    tested = {digest(load_volume(path).data) for path in test.glob("*_image.nii.gz")}
    assert others <= tested


@pytest.mark.parametrize("k", [1, 2])
def test_rounds_learn_what_the_strategy_selected_and_nothing_else(done, labels, k, phantom_folder):
    """Finds pseudo-labels ignored, and rounds trained on the target's true labels."""
    _, fits = done
    pseudo = [*TARGET, *(SOURCE if labels == "replace" else ())]
    for case in pseudo:
        _, _, content = fits[f"fit-adapted-st{k}"].cases[case]
        assert content == SELECTED[k, case], case
    true = {content for _, _, content in fits["fit-oracle"].cases.values()}
    assert not true & {fits[f"fit-adapted-st{k}"].cases[case][2] for case in pseudo}


def test_true_labels_of_target_scans_reach_the_oracle_alone(done):
    _, fits = done
    assert stages(fits["fit-oracle"]) == dict.fromkeys(TARGET, ("crop-target", "crop-oracle"))
    for name, fit in fits.items():
        if name != "fit-oracle":
            assert "crop-oracle" not in {label for _, label in stages(fit).values()}


def test_no_test_scan_is_trained_on(done):
    _, fits = done
    for fit in fits.values():
        assert not any(case.startswith("crossmoda_21") for case in fit.cases)
