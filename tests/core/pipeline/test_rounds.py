"""Rounds: controls, ceilings, teachers, and weights of what a strategy selected."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from past_cli.closing import closing
from past_core import ConfigError, DataError
from past_core.case import Domain
from past_core.pipeline import selections_of
from past_core.pipeline.layout import copy_id
from past_core.volume import load_volume
from tests.core.pipeline.toys import FITS, HANDED, SELECTED, UNLABELLED, Nod, NodConfig

SOURCE = ("crossmoda_1", "crossmoda_2")
TARGET = ("crossmoda_106", "crossmoda_107", "crossmoda_108")

SYSTEMS = """
    [[translation]]
    name = "aligned"
    translator = "match"

    [[model]]
    name = "first"
    segmenter = "smooth"
    images = [{ from = "aligned" }]

    [[model]]
    name = "own"
    segmenter = "bayes"
    images = [{ from = "aligned" }]
    [[model.round]]
    strategy = "keep"
    images = [{ from = "aligned", labels = "keep" }, { from = "target" }]

    [[model]]
    name = "other"
    segmenter = "bayes"
    SEEDS
    images = [{ from = "aligned" }]
    [[model.round]]
    ROUND

    [[system]]
    name = "own"
    use = "own"
    [[system]]
    name = "other"
    use = "other"
"""
KEPT = 'images = [{ from = "aligned", labels = "keep" }]'
LEARNT = """
    strategy = "keep"
    images = [{ from = "aligned", labels = "keep" }, { from = "target" }]
"""


@pytest.fixture
def go(run, request_of, systems_of):
    """Run the systems with this round of the model ``other``; its fit and the run."""

    def go(text, seeds="", **changes):
        FITS.clear()
        SELECTED.clear()
        HANDED.clear()
        systems = systems_of(SYSTEMS.replace("ROUND", text).replace("SEEDS", seeds))
        plain = {"translator": None, "segmenter": None, "strategy": None}
        result, observed = run(request_of(systems=systems, **(plain | changes)))
        return {fit.stage: fit for fit in FITS}, result, observed

    return go


def test_the_control_trains_on_without_any_target_scan(go):
    """Finds control rounds that start anew, or see target scans."""
    fits, result, _ = go(KEPT)
    control = fits["fit-other-st1"]
    assert control.start == "fit-own"  # the same as its own round 0: shared
    assert set(control.cases) == set(SOURCE)
    assert not any(stage.name == "select-other-st1" for stage in result.stages())


def test_the_ceiling_has_true_labels_of_just_the_kept_voxels(go, phantom_folder, stage_of):
    """Finds true labels of all voxels, and pseudo-labels left as they are."""
    fits, result, _ = go(LEARNT.replace('from = "target"', 'from = "target", labels = "corrected"'))
    ceiling = fits["fit-other-st1"]
    assert {case: label for case, (_, label, _) in ceiling.cases.items()} == {
        **dict.fromkeys(SOURCE, "crop-source"),
        **dict.fromkeys(TARGET, "correct-other-st1"),
    }
    selected, corrected, true = (
        stage_of(result, name) for name in ("select-own-st1", "correct-other-st1", "crop-oracle")
    )
    wrong = 0
    for case in TARGET:
        found, pseudo, label = (
            load_volume(folder / f"{case}_label.nii.gz", np.uint8).data
            for folder in (corrected, selected, true)
        )
        kept = pseudo != 3
        assert 0.05 < kept.mean() < 0.999
        assert (found[~kept] == 3).all()
        assert np.array_equal(found[kept], label[kept])
        wrong += int((pseudo != label)[kept].sum())
    assert wrong


def test_what_the_ceiling_sees_makes_it_an_upper_bound(go):
    _, result, _ = go(LEARNT.replace('from = "target"', 'from = "target", labels = "corrected"'))
    supervised = {one["name"]: one["supervised"] for one in result.record["systems"]}
    assert supervised == {"own": False, "other": True}
    assert result.answer == "own"


def test_a_pupil_of_what_sees_target_labels_is_an_upper_bound_too(systems_of):
    text = """
        [[model]]
        name = "oracle"
        segmenter = "bayes"
        images = [{ from = "target", labels = "true" }]
        [[model]]
        name = "pupil"
        segmenter = "bayes"
        images = [{ from = "source" }]
        [[model.round]]
        strategy = "keep"
        teachers = ["oracle"]
        images = [{ from = "target" }]
        [[model]]
        name = "later"
        segmenter = "bayes"
        start = "pupil"
        images = [{ from = "source" }]
        [[system]]
        name = "later"
        use = "later"
    """
    systems = systems_of(text)
    assert systems.supervised(systems.find_system("later"))
    honest = systems_of(text.replace('["oracle"]', '["pupil"]'))
    assert not honest.supervised(honest.find_system("later"))


def test_teachers_label_together(go, stage_of):
    """Finds one of the teachers taken alone, and the pupil's own labels."""
    fits, result, _ = go(f'teachers = ["first", "other/0"]\n{LEARNT}')
    assert fits["fit-other-st1"].cases[TARGET[0]][1] == "select-other-st1"
    handed = HANDED[1, TARGET[0]]
    assert [path.parent.name.rpartition("-")[0] for path in handed.paths] == [
        "label-first-for-other-st1",
        "label-own-for-st1",  # its own round 0: the same stage
    ]
    manifest = json.loads((stage_of(result, "select-other-st1") / "manifest.json").read_text())
    assert sorted(manifest["inputs"]) == ["images", "predictions", "predictions2"]


def test_a_teacher_is_the_last_round_of_another_model_and_the_one_before_of_its_own(go):
    """Finds teachers that stay at round 0."""
    go(f'repeat = 2\nteachers = ["own", "other"]\n{LEARNT}')
    labelled = [
        [path.parent.name.rpartition("-")[0] for path in HANDED[k, TARGET[0]].paths] for k in (1, 2)
    ]
    assert labelled == [
        ["label-own-st1-for-other-st1", "label-own-for-st1"],
        ["label-own-st1-for-other-st1", "label-other-st1-for-st2"],  # nothing is labelled twice
    ]


def test_seeds_teach_each_other_where_they_are_asked_to(go):
    """Finds every seed taught by itself alone."""
    go(f'teachers = ["other"]\n{LEARNT}', seeds="seeds = [0, 1]")
    handed = HANDED[1, TARGET[0]]
    assert sorted(path.parent.name.rpartition("-")[0] for path in handed.paths) == [
        "label-other-s1-for-other-s0-st1",
        "label-own-for-st1",
    ]


def test_labelling_has_settings_of_its_own(go, stage_of):
    fits, result, _ = go(f"labelling = {{ sharpness = 3.0 }}\n{LEARNT}")
    name = "label-other-for-st1"
    manifest = json.loads((stage_of(result, name) / "manifest.json").read_text())
    assert manifest["params"]["prediction"] == {"sharpness": 3.0}
    others = [s.name for s in result.stages() if s.name.startswith("predict-")]
    for other in others:
        said = json.loads((stage_of(result, other) / "manifest.json").read_text())
        assert said["params"]["prediction"] == {"sharpness": 1.0}
    assert fits["fit-other-st1"].cases[TARGET[0]] != fits["fit-own-st1"].cases[TARGET[0]]


def test_labelling_with_what_decides_a_training_is_refused(go):
    with pytest.raises(ConfigError, match=r"labelling: smoothing does not .* keys: sharpness\."):
        go(f"labelling = {{ smoothing = 3.0 }}\n{LEARNT}")


@pytest.mark.parametrize("round_", [KEPT, LEARNT])
def test_a_round_trains_by_settings_of_its_own(go, stage_of, round_):
    """Finds settings of a round that nothing heeds, or that hold for other rounds too."""
    _, result, _ = go(f"{round_}\n[[model.round]]\ntraining = {{ smoothing = 9.0 }}\n{round_}")

    def added(stage):
        manifest = json.loads((stage_of(result, stage) / "manifest.json").read_text())
        return manifest["params"]["plugin"]["config"]["smoothing"]

    first = "fit-other-st1" if round_ is KEPT else "fit-own-st1"
    assert [added(stage) for stage in ("fit-own", first, "fit-other-st2")] == [1.0, 1.0, 9.0]
    empty = [
        np.load(stage_of(result, stage) / "model" / "counts.npy").min()
        for stage in ("fit-own", first, "fit-other-st2")
    ]
    assert np.allclose(np.diff(empty), [1.0, 9.0])  # each adds its own to each bin


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ("bins = 16", "training of round 1: bins decides the network"),
        ("sharpness = 2.0", "training of round 1: no training depends on sharpness"),
        ("smooth = 2.0", "unknown key"),
    ],
)
def test_training_of_what_a_round_cannot_change_is_refused(go, training, message):
    with pytest.raises(ConfigError, match=message):
        go(f"training = {{ {training} }}\n{KEPT}")
    assert not FITS


def test_another_network_than_that_of_the_start_is_refused(go):
    with pytest.raises(ConfigError, match=r"other: has bins = 16, and own, .* 32\. That decides"):
        go(KEPT, seeds='start = "own"\nsettings = { bins = 16 }')
    assert not FITS


def test_strategies_know_the_domain_of_each_scan(go):
    go(LEARNT.replace('"keep" }', '"replace" }'))
    domains = {case: one.domain for (_, case), one in HANDED.items()}
    assert domains == {
        **dict.fromkeys(SOURCE, Domain.SOURCE),
        **dict.fromkeys(TARGET, Domain.TARGET),
    }


def test_strategies_know_the_image_of_each_scan(go, stage_of):
    """Finds images of other scans, and translated scans shown as they were before."""
    _, result, _ = go(LEARNT.replace('"keep" }', '"replace" }'))
    folders = {
        "source": stage_of(result, "translate-aligned"),
        "target": stage_of(result, "crop-target"),
    }
    for (_, case), one in HANDED.items():
        assert one.image == folders[str(one.domain)] / f"{case}_image.nii.gz"
        assert one.image.is_file()


def test_scans_are_drawn_as_the_strategy_weighs_them_and_domains_as_before(go):
    """Finds scan weights ignored, and a domain's share that shrinks with its scans."""
    settings = f"settings = {{ weights = {{ {TARGET[0]} = 0.0, {TARGET[1]} = 3.0 }} }}"
    fits, *_ = go(f"{settings}\n{LEARNT}")
    fit = fits["fit-other-st1"]
    assert fit.weights == pytest.approx(
        {**dict.fromkeys(SOURCE, 1.0), TARGET[1]: 3 * 3 / 4, TARGET[2]: 3 / 4}
    )
    assert TARGET[0] not in fit.cases


def test_each_domain_keeps_its_own_share_of_the_draws(go):
    weights = f"{SOURCE[0]} = 5.0, {TARGET[0]} = 0.0"
    text = LEARNT.replace('labels = "keep"', 'labels = "replace"')
    fits, *_ = go(f"settings = {{ weights = {{ {weights} }} }}\n{text}")
    found = fits["fit-other-st1"].weights
    assert found == pytest.approx(
        {SOURCE[0]: 5 * 2 / 6, SOURCE[1]: 2 / 6, TARGET[1]: 1.5, TARGET[2]: 1.5}
    )


def test_scan_weights_and_shares_work_together(go):
    text = LEARNT.replace('{ from = "target" }', '{ from = "target", share = 0.75 }')
    fits, *_ = go(f"settings = {{ weights = {{ {TARGET[0]} = 0.0 }} }}\n{text}")
    weights = fits["fit-other-st1"].weights
    assert sum(weights[c] for c in TARGET[1:]) / sum(weights.values()) == pytest.approx(0.75)


def test_voxel_weights_reach_the_training(go):
    fits, *_ = go(f"settings = {{ doubt = 1.0 }}\n{LEARNT}")
    found = fits["fit-other-st1"].voxel_weights
    assert set(found) == set(TARGET)
    for case, weights in found.items():
        expected = HANDED[1, case].probabilities().max(axis=0)
        assert np.allclose(weights, expected, atol=1e-3)
    assert not fits["fit-own-st1"].voxel_weights


def test_a_segmenter_that_knows_no_voxel_weights_is_not_handed_any(go):
    """Finds weights that are lost without a word."""
    text = f"settings = {{ doubt = 1.0 }}\n{LEARNT}"
    with pytest.raises(DataError, match=r"voxels of case crossmoda_106 .* 'pupil' knows none"):
        go(text, segmenter="bayes=pupil")


@pytest.mark.parametrize("settings", ["doubt = 1.5", f"weights = {{ {TARGET[1]} = -1.0 }}"])
def test_impossible_weights_name_the_strategy(go, settings):
    with pytest.raises(DataError, match=r"the strategy 'keep' of .* gave case .* Report this to"):
        go(f"settings = {{ {settings} }}\n{LEARNT}")


def test_each_entry_of_images_keeps_its_share_though_scans_are_weighed(go):
    """Finds shares that drift where two entries are of one domain."""
    images = """
        images = [
            { from = "source", labels = "replace", share = 0.25 },
            { from = "aligned", labels = "replace", share = 0.25 },
            { from = "target" },
        ]
    """
    text = f'strategy = "keep"\nsettings = {{ weights = {{ {SOURCE[0]} = 9.0 }} }}\n{images}'
    fits, *_ = go(text)
    weights = fits["fit-other-st1"].weights
    total = sum(weights.values())
    assert sum(weights[case] for case in SOURCE) / total == pytest.approx(0.25)
    assert weights[SOURCE[0]] == pytest.approx(9 * weights[SOURCE[1]])
    others = [case for case in weights if case not in (*SOURCE, *TARGET)]
    assert sum(weights[case] for case in others) / total == pytest.approx(0.25)


def test_what_the_image_decided_is_no_guess_and_counted_where_it_is_another_class(go, stage_of):
    """Finds voxels of low probability taken for guesses, and moved borders uncounted."""
    bright = LEARNT.replace(
        '"keep"\n', '"bright"\n    settings = { bright = 120, above = 0.0 }\n', 1
    )
    _, result, _ = go(bright)
    counted = json.loads((stage_of(result, "select-other-st1") / "selection.json").read_text())
    moved = []
    for (_, case), prediction in HANDED.items():
        p, image = prediction.probabilities(), load_volume(prediction.image).data
        label = np.where(image > 120, 1, p.argmax(axis=0))
        assigned = np.take_along_axis(p, label[None], axis=0)[0]
        found = counted["cases"][case]
        for value, name in enumerate(("background", "vs", "cochlea")):
            own = label == value
            assert found["kept"][name] == own.sum()
            assert found["guessed"][name] == (own & (assigned < 0.5) & (image <= 120)).sum()
            other = own & (image > 120) & (p.argmax(axis=0) != value)
            assert found["added"][name] == other.sum()
            lost = (p.argmax(axis=0) == value) & (image > 120) & ~own
            assert found["taken"][name] == lost.sum()
            moved += [other.sum(), lost.sum()]
    assert sum(moved[::2]) == sum(moved[1::2]) > 0


@pytest.mark.parametrize("alone", [True, False])
def test_a_run_says_in_which_rounds_the_image_decided(go, stage_of, alone):
    settings = f"bright = 120, alone = {list(TARGET) if alone else []}"
    text = LEARNT.replace('"keep"\n', f'"bright"\n    settings = {{ {settings} }}\n', 1)
    _, result, _ = go(text)
    counted = json.loads((stage_of(result, "select-other-st1") / "selection.json").read_text())
    target = [one for one in counted["cases"].values() if one["domain"] == "target"]
    added, taken, size = (
        {name: sum(one[what][name] for one in target) for name in ("vs", "cochlea")}
        for what in ("added", "taken", "predicted")
    )
    (said,) = [one for one in closing(result) if isinstance(one, str) and "decided" in one]
    assert said.startswith("Round 1 of other: the image decided where borders lie in target scans")
    for name, share in (("vs", added["vs"]), ("cochlea", 0)):
        gone = taken[name] / size[name]
        assert f"of {name} it took {gone:.0%} away and added {share / size[name]:.0%}" in said
    assert taken["cochlea"] > 0
    assert ("learnt from alone" in said) == alone


ALONE = """
    strategy = "keep"
    settings = { SETTINGS }
    images = [
        { from = "aligned", labels = "keep", copies = 1, unless = "alone" },
        { from = "target" },
    ]
"""


@pytest.mark.parametrize(
    ("settings", "left_out"),
    [
        ("alone = ['crossmoda_106', 'crossmoda_107', 'crossmoda_108']", True),
        ("alone = ['crossmoda_106', 'crossmoda_107'], weights = { crossmoda_108 = 0 }", True),
        ("alone = ['crossmoda_106', 'crossmoda_107']", False),
        ("", False),
    ],
)
def test_translated_scans_are_left_out_where_the_target_is_learnt_from_alone(
    go, settings, left_out
):
    """Of the target, scans that are not drawn do not count."""
    fits, _, _ = go(ALONE.replace("SETTINGS", settings))
    others = () if left_out else (*SOURCE, *(copy_id(case, 1) for case in SOURCE))
    target = TARGET[:2] if "weights" in settings else TARGET
    assert set(fits["fit-other-st1"].cases) == {*target, *others}


def test_labels_of_the_source_need_not_be_learnt_from_alone(go):
    settings = "alone = ['crossmoda_106', 'crossmoda_107', 'crossmoda_108']"
    text = ALONE.replace("SETTINGS", settings).replace(
        '{ from = "target" }', '{ from = "source" }, { from = "target" }'
    )
    fits, _, _ = go(text)
    assert set(fits["fit-other-st1"].cases) == {*TARGET, *(f"{case}_source" for case in SOURCE)}


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ('{ from = "aligned", unless = "alone" }, { from = "target" }', "is for labels = 'keep'"),
        ('{ from = "source", labels = "keep", unless = "alone" }', "beside target scans"),
    ],
)
def test_what_may_be_left_out_has_true_labels_and_target_scans_beside_it(go, images, message):
    strategy = 'strategy = "keep"' if "target" in images else ""
    with pytest.raises(ConfigError, match=f"unless = 'alone' .*{message}"):
        go(f"{strategy}\n    images = [{images}]")


def test_before_rounds_nothing_is_left_out(systems_of):
    text = SYSTEMS.replace("ROUND", LEARNT).replace("SEEDS", "")
    with pytest.raises(ConfigError, match="from aligned: unless is for rounds"):
        systems_of(text.replace('"aligned" }', '"aligned", unless = "alone" }', 1))


def test_a_selection_that_two_models_share_belongs_to_both(go):
    """Finds what is known of a selection by the name of its folder."""
    _, result, _ = go(LEARNT + "settings = { above = 0.7 }")
    found = {(one["model"], one["round"]): one["stage"] for one in result.record["selections"]}
    assert set(found) == {("own", 1), ("other", 1)}
    assert len(set(found.values())) == 1
    assert {(one.model, one.round) for one in selections_of(result)} == set(found)


def test_a_strategy_that_weighs_a_whole_domain_with_nothing_is_refused(go):
    zero = ", ".join(f"{case} = 0.0" for case in TARGET)
    with pytest.raises(DataError, match=r"no weight to any of 3 target scans.*Let it keep more"):
        go(f"settings = {{ weights = {{ {zero} }} }}\n{LEARNT}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('images = [{ from = "target" }]', "labels scans needs a strategy"),
        (f'strategy = "keep"\n{KEPT}', "nothing is selected: leave out strategy"),
        (f'teachers = ["nobody"]\n{LEARNT}', "teachers of round 1: no model 'nobody' before it"),
        (f'teachers = ["other/1"]\n{LEARNT}', "'other/1' is not trained by then"),
        (f'teachers = ["first/2"]\n{LEARNT}', "first has rounds 0 to 0"),
        (f'teachers = ["first#3"]\n{LEARNT}', "first has seeds 0"),
        (LEARNT.replace("keep", "both", 1), "round 1: both needs 2 teachers, and has 1"),
        (f'teachers = ["first@a"]\n{LEARNT}', "first is one model for all protocols"),
        (
            LEARNT.replace('labels = "keep"', 'labels = "true"'),
            "say 'keep' for the source's true labels",
        ),
    ],
)
def test_impossible_rounds_are_refused(go, text, message):
    with pytest.raises(ConfigError, match=message):
        go(text)


def test_no_labels_of_the_target_no_ceiling(go, phantom_folder, tmp_path):
    folder = tmp_path / "unlabelled"
    shutil.copytree(phantom_folder, folder)
    shutil.rmtree(folder / "target_oracle")
    text = LEARNT.replace('from = "target"', 'from = "target", labels = "corrected"')
    _, result, _ = go(text, data=folder)
    assert list(result.record["left_out"]) == ["other"]


TAUGHT = """
    strategy = "nod"
    settings = { hard = 0.75, often = 3 }
    images = [{ from = "aligned", labels = "keep" }, { from = "target" }]
"""


@pytest.fixture
def taught(run, request_of, systems_of):
    """Run the systems with this round of a pupil."""

    def go(text):
        FITS.clear()
        UNLABELLED.clear()
        systems = SYSTEMS.replace("ROUND", text).replace("SEEDS", "")
        name = 'name = "other"\n    segmenter = '
        systems = systems.replace(f'{name}"bayes"', f'{name}"pupil"')
        plain = {"translator": None, "segmenter": None, "strategy": None}
        result, _ = run(request_of(systems=systems_of(systems), **plain))
        return {fit.stage: fit for fit in FITS}, result

    return go


def test_an_online_strategy_teaches_from_scans_that_nothing_labelled_before(taught):
    """Finds target scans labelled before, their true labels leaked, source scans unlabelled."""
    fits, result = taught(TAUGHT)
    fit, handed = fits["fit-other-st1"], UNLABELLED["fit-other-st1"]
    assert set(fit.cases) == set(SOURCE)
    assert fit.start == "fit-other"
    assert {case.id for case in handed.cases} == set(TARGET)
    assert all(case.label is None for case in handed.cases)
    assert {case.domain for case in handed.cases} == {Domain.TARGET}
    assert isinstance(handed.strategy, Nod)
    assert handed.strategy.config == NodConfig(hard=0.75, often=3)
    assert handed.identity["config"] == {"hard": 0.75}
    names = {stage.name for stage in result.stages()}
    assert not names & {"select-other-st1", "label-other-for-st1"}
    assert "fit-other" not in UNLABELLED


def test_translated_scans_may_be_taught_from_too(taught):
    images = (
        'images = [{ from = "source", labels = "keep" }, { from = "aligned" }, { from = "target" }]'
    )
    fits, _ = taught(f'strategy = "nod"\n{images}')
    handed = UNLABELLED["fit-other-st1"].cases
    assert len(handed) == len(SOURCE) + len(TARGET)
    assert all(case.label is None for case in handed)
    assert {label for _, label, _ in fits["fit-other-st1"].cases.values()} == {"crop-source"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'teachers = ["first"]\n{TAUGHT}', "nothing is labelled before: leave out teachers"),
        (f"labelling = {{ sharpness = 2.0 }}\n{TAUGHT}", "nothing is labelled before"),
        (
            TAUGHT.replace('labels = "keep"', 'labels = "keep", unless = "alone"'),
            "selects nothing before: leave out unless",
        ),
        (
            TAUGHT.replace('"target"', '"target", labels = "corrected"'),
            "leave out teachers, labelling and labels = 'corrected'",
        ),
        (TAUGHT.replace('"target"', '"target", share = 0.5'), "leave out share and copies of what"),
        (
            TAUGHT.replace('{ from = "target" }', '{ from = "aligned", copies = 1 }'),
            "leave out share and copies of what",
        ),
        (
            TAUGHT.replace(', labels = "keep"', ""),
            "beside scans with labels. Add some",
        ),
    ],
)
def test_what_an_online_strategy_cannot_do_is_said_before_anything_runs(taught, text, message):
    with pytest.raises(ConfigError, match=message):
        taught(text)
    assert not FITS


def test_a_segmenter_that_takes_no_online_strategy_is_named(go):
    with pytest.raises(ConfigError, match=r"which bayes cannot take\. Choose another strategy"):
        go(TAUGHT)
