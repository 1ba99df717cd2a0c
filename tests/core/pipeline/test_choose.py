"""A system that is chosen among several without a label of the target."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from past_cli.closing import closing
from past_core.case import Case, Domain
from past_core.errors import ConfigError
from past_core.exported.export import export_system
from past_core.pipeline import plan_pipeline
from past_core.pipeline.protocols import spread
from past_core.volume import load_volume
from tests.core.pipeline.toys import JUDGED, LABELLINGS

SYSTEMS = """
    [[translation]]
    name = "aligned"
    translator = "match"

    [[model]]
    name = "plain"
    segmenter = "bayes"
    images = [{ from = "source" }]

    [[model]]
    name = "adapted"
    segmenter = "bayes"
    each = "protocol"
    images = [{ from = "aligned" }]
    [[model.round]]
    strategy = "keep"
    images = [{ from = "aligned" }, { from = "target" }]

    [[system]]
    name = "plain"
    use = "plain"
    [[system]]
    name = "st1"
    use = "adapted"
    [[system]]
    name = "mixed"
    use = ["adapted/0", "plain"]
    structures = { vs = "adapted" }
    [[system]]
    name = "final"
    choose = ["plain", "st1", "mixed"]
    validators = ["taste"]
"""
TARGET = ["crossmoda_106", "crossmoda_107", "crossmoda_108", "crossmoda_109"]
TEST = ["crossmoda_211", "crossmoda_212"]


@pytest.fixture
def choosing(run, request_of, systems_of, phantom_of):
    """Run with a taste for one candidate."""

    def go(likes, text=SYSTEMS, **changes):
        JUDGED.clear()
        plain = {"translator": None, "segmenter": None, "strategy": None}
        assignments = (f"validator.taste.likes={likes}",) if likes else ()
        data = phantom_of(target=4)
        values = plain | {"assignments": assignments, "data": data} | changes
        return run(request_of(systems=systems_of(text), **values))

    return go


def segmented(result, system, stage_of):
    folder = stage_of(result, f"combine-{system}")
    return [load_volume(folder / f"{case}_label.nii.gz").data for case in TEST]


@pytest.mark.parametrize("likes", ["st1", "mixed"])
def test_the_chosen_system_answers_voxel_for_voxel(choosing, stage_of, likes):
    result, _ = choosing(likes)
    found = {name: segmented(result, name, stage_of) for name in ("plain", "st1", "mixed")}
    final = segmented(result, "final", stage_of)
    for name, arrays in found.items():
        same = all(np.array_equal(a, b) for a, b in zip(arrays, final, strict=True))
        assert same == (name == likes)
    choice = result.choices()["final"]
    assert choice["chosen"] == likes
    figures = {name: float(name == likes) for name in found}
    assert choice["means"] == {"taste": figures}
    assert choice["ranks"] == {name: 1.0 if name == likes else 2.5 for name in found}
    means = {(s.system, s.structure): s.mean for s in result.summaries()}
    assert means["final", "vs"] == means[likes, "vs"]


def test_candidates_are_judged_by_target_scans_and_the_chosen_one_on_each_scan(choosing):
    """No label is shown: the validator asserts it."""
    text = SYSTEMS.replace('["taste"]', '["taste", "pairwise"]')
    result, _ = choosing("st1", text)
    chosen = result.choices()["final"]["chosen"]
    assert JUDGED == [TARGET, TEST]
    (figures,) = result.trust().values()
    liked = float(chosen == "st1")
    assert figures["taste"] == dict.fromkeys(TEST, liked)
    # Beside the other candidates, without which there is nothing to compare with.
    assert all(0 < value < 1 for value in figures["pairwise"].values())
    lines = (result.folder / "trust.csv").read_text().splitlines()
    assert lines[:2] == ["system,case,validator,value", f"final,crossmoda_211,taste,{liked}"]
    assert len(lines) == 5
    scores = result.case_scores("final", "iou")
    assert scores == result.case_scores(chosen, "iou")
    assert list(scores) == TEST


def test_as_many_scans_as_are_said_are_judged_of_every_protocol(choosing):
    first = SYSTEMS.index("[[translation]]")
    text = f"{SYSTEMS[:first]}[judge]\nscans = 2\n\n{SYSTEMS[first:]}"
    result, observed = choosing("st1", text)
    assert JUDGED == [["crossmoda_108", "crossmoda_109"], TEST]
    scans = result.choices()["final"]["figures"]["taste"]["st1"]
    protocols = {c["id"]: c["protocol"] for c in result.inventory["cases"]}
    assert [protocols[scan] for scan in scans] == ["448", "384"]
    assert "crop-target" in observed.ran
    # Still trained on them all.
    assert len(result.record["translations"][0]["target"]) == 4


@pytest.mark.parametrize(("number", "expected"), [(1, "c"), (2, "bd"), (4, "abcd"), (9, "abcd")])
def test_scans_are_drawn_evenly(number, expected):
    cases = [Case(name, Domain.TARGET, Path(f"{name}.nii.gz")) for name in "abcd"]
    assert [case.id for case in spread(cases, number)] == list(expected)


def test_a_rule_of_routes_is_told_of_what_was_chosen(choosing, phantom_of):
    """A scan of a protocol that no training scan has."""
    data = phantom_of(target=4)
    rule = """
    [protocols]
    by = "name"
    kind = [{ name = "seen", pattern = "*_1*" }, { name = "new", pattern = "*_211_*" },
            { name = "seen", pattern = "*_212_*" }]
    """
    result, _ = choosing("st1", rule + SYSTEMS, data=data)
    routes = {(s.system, s.case): s.route for s in result.scores()}
    assert routes["final", "crossmoda_211"] == routes["st1", "crossmoda_211"] == "nearest: seen"
    assert routes["final", "crossmoda_212"] == ""


def test_a_model_is_applied_once_however_many_candidates_have_it(choosing):
    choosing("plain")
    LABELLINGS.clear()
    result, observed = choosing(None, SYSTEMS.replace('["taste"]', '["flip"]'))
    assert set(observed.ran) == {"choose-final", "trust-final", "combine-final", "score-final"}
    assert result.choices()["final"]["chosen"] == "mixed", "the last of equals"
    models, chosen = 3, 3
    assert len(LABELLINGS) == models * len(TARGET) + chosen * len(TEST)
    assert len({(one.model, one.image) for one in LABELLINGS}) == len(LABELLINGS)


def test_averages_over_protocols_and_seeds_are_judged_as_they_answer(choosing):
    """Models a and b, each trained twice; one scan to segment is of neither protocol."""
    rule = """
    [protocols]
    by = "name"
    unserved = "average"
    kind = [{ name = "a", pattern = "*_10[67]_*" }, { name = "b", pattern = "*_10[89]_*" },
            { name = "new", pattern = "*_211_*" }, { name = "a", pattern = "*_212_*" }]
    """
    twice = SYSTEMS.replace('name = "adapted"', 'name = "adapted"\n    seeds = [0, 1]')
    choosing("plain", rule + twice)
    LABELLINGS.clear()
    choosing("st1", rule + twice)
    models_of = {}
    for one in LABELLINGS:
        models_of.setdefault(one.image, set()).add(one.model)
    first = {"fit-adapted@a-s0", "fit-adapted@a-s1", "fit-plain"}
    last = {p: {f"fit-adapted@{p}-s{seed}-st1" for seed in (0, 1)} for p in "ab"}
    judged = [first | last[p] for p in "aabb"]
    assert list(models_of.values()) == [*judged, last["a"] | last["b"], last["a"]]


def test_another_choice_trains_and_predicts_nothing_again(choosing):
    choosing("plain")
    _, observed = choosing("st1")
    assert observed.ran[0] == "choose-final"
    assert set(observed.ran[1:]) == {"trust-final", "combine-final", "score-final"}


def test_one_more_scan_to_segment_changes_no_choice(choosing, phantom_of, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(phantom_of(target=4), data)
    away = [data / f"target_validation/crossmoda_212_{kind}.nii.gz" for kind in ("hrT2", "Label")]
    for path in away:
        path.rename(tmp_path / path.name)
    choosing("plain", data=data)
    for path in away:
        (tmp_path / path.name).rename(path)
    _, observed = choosing("plain", data=data)
    assert "choose-final" not in observed.ran
    assert "combine-final" in observed.ran


def test_the_choosing_system_alone_builds_its_candidates(choosing):
    result, observed = choosing("st1", only=("final",))
    assert result.systems == ["final"]
    assert "fit-adapted@448-st1" in observed.ran
    assert "combine-plain" not in observed.ran


def test_the_built_in_validators_choose_by_their_figures(choosing):
    text = SYSTEMS.replace('validators = ["taste"]', "")
    result, _ = choosing(None, text)
    choice = result.choices()["final"]
    assert set(choice["figures"]) == {"flip", "affine"}
    for figures in choice["figures"].values():
        assert list(figures) == ["plain", "st1", "mixed"]
        assert all(list(values) == TARGET for values in figures.values())
    # Histograms do not know left from right.
    assert choice["means"]["flip"] == {"plain": 1.0, "st1": 1.0, "mixed": 1.0}
    means = choice["means"]["affine"]
    assert len(set(means.values())) > 1, "a figure that tells nothing apart chooses nothing"
    assert choice["chosen"] == max(means, key=means.get)


FINAL = SYSTEMS[SYSTEMS.rindex("[[system]]") :]
ORACLE = """
    [[model]]
    name = "oracle"
    segmenter = "bayes"
    images = [{ from = "target", labels = "true" }]
    [[system]]
    name = "oracle"
    use = "oracle"
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"mixed"]', '"mixd"]', "final, choose: no system 'mixd'; there are .*plain, st1, mixed"),
        ('"mixed"]', '"final"]', "'final' chooses too"),
        ('"mixed"]', '"oracle"]', "'oracle' sees target labels"),
        ('["plain", "st1", "mixed"]', '["plain"]', "chooses among two systems at least"),
        ('"mixed"]', '"plain"]', "system final: choose names one twice"),
        ('["taste"]', '["taste", "taste"]', "system final: validators names one twice"),
        ('use = "plain"', 'use = "plane"', "'plane': no such model; there are plain, adapted"),
        ('name = "final"', 'name = "final"\nuse = "plain"', "either use, with structures, or"),
        ('use = "adapted"', "", "system st1: has either use, with structures, or choose"),
    ],
)
@pytest.mark.parametrize("first", [False, True])
def test_what_cannot_be_chosen_among_is_named(systems_of, old, new, message, first):
    """Wherever the system stands that chooses."""
    text = SYSTEMS + ORACLE
    if first:
        start, end = text.index(FINAL), text.index(FINAL) + len(FINAL)
        text = FINAL + text[:start] + text[end:]
    assert old in text
    with pytest.raises(ConfigError, match=message):
        systems_of(text.replace(old, new))


BY_VALIDATION = SYSTEMS.replace(
    'validators = ["taste"]', 'validators = ["taste"]\n    by = "validation"\n    metric = "iou"'
)


def validated(phantom_of, **numbers):
    return phantom_of(target=4, validation=2, **numbers)


def means_of(result, part):
    found = {}
    for name in ("plain", "st1", "mixed"):
        cases = {}
        for one in result.scores():
            if (one.system, one.part) == (name, part) and not np.isnan(one.value):
                cases.setdefault(one.case, []).append(one.value)
        found[name] = np.mean([np.mean(values) for values in cases.values()])
    return found


def test_labelled_validation_scans_may_choose(choosing, phantom_of, tmp_path):
    """Not what the validators like; and the run says that target labels decided."""
    data = validated(phantom_of)
    likes = "st1"
    result, _ = choosing(likes, BY_VALIDATION, data=data)
    means = means_of(result, "validation")
    best = max(means, key=means.get)
    assert best != likes
    choice = result.choices()["final"]
    assert (choice["chosen"], choice["by"]) == (best, "validation")
    assert choice["means"] == {"validation iou": pytest.approx(means)}
    assert list(choice["figures"]["validation iou"]["plain"]) == [
        "crossmoda_1001",
        "crossmoda_1002",
    ]
    marked = {one["name"]: one["supervised"] for one in result.record["systems"]}
    assert marked == {"plain": False, "st1": False, "mixed": False, "final": True}
    assert result.answer == "final"
    assert result.case_scores("final", "iou") == result.case_scores(best, "iou")
    export_system(result.folder, tmp_path / "kept")
    card = (tmp_path / "kept/README.md").read_text()
    assert "**labels of target scans decided**" in card
    assert f"validation iou {means[best]:.3f}" in card
    said = list(closing(result))
    assert (
        f"Take final, which is {best}, chosen by its score on validation scans: target" in said[-1]
    )
    assert f"final is {best}, chosen by labelled validation scans" in " ".join(map(str, said))


def test_test_labels_do_not_choose(choosing, phantom_of, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(validated(phantom_of), data)
    (data / "phantom.json").unlink()
    before, _ = choosing(None, BY_VALIDATION, data=data)
    known = before.choices()["final"]
    for path in (data / "target_validation").glob("*_Label.nii.gz"):
        path.unlink()
    after, observed = choosing(None, BY_VALIDATION, data=data)
    assert after.choices()["final"] == known
    assert "choose-final" not in observed.ran


def test_a_request_may_say_what_chooses(choosing, phantom_of):
    text = SYSTEMS.replace('validators = ["taste"]', 'validators = ["taste"]\n    metric = "iou"')
    data = validated(phantom_of)
    result, _ = choosing("plain", text, data=data, choose_by="validation", only=("final",))
    assert result.choices()["final"]["by"] == "validation"
    assert result.systems == ["final"]
    back, _ = choosing("plain", BY_VALIDATION, data=data, choose_by="figures")
    assert back.choices()["final"]["chosen"] == "plain"


def test_without_validation_labels_nothing_can_be_chosen_by_them(choosing):
    with pytest.raises(ConfigError, match="final chooses by validation scans, but data set"):
        choosing("plain", BY_VALIDATION)
    one = SYSTEMS[: SYSTEMS.index('[[system]]\n    name = "final"')]
    with pytest.raises(ConfigError, match="--choose-by validation: no system of this file chooses"):
        choosing(None, one, choose_by="validation")


def test_what_cannot_choose_is_refused(phantom_of, systems_of, request_of):
    text = SYSTEMS.replace('use = "plain"', 'use = "plain"\n    by = "validation"', 1)
    with pytest.raises(ConfigError, match="system plain: by = 'validation' goes with choose"):
        systems_of(text)
    less = BY_VALIDATION.replace('"iou"', '"assd"')
    for toy, real in (("match", "histogram"), ("bayes", "resunet"), ("keep", "top-q")):
        less = less.replace(f'"{toy}"', f'"{real}"')
    systems = systems_of(less.replace('"taste"', '"flip"'))
    plain = {"translator": None, "segmenter": None, "strategy": None}
    with pytest.raises(ConfigError, match="by assd, of which less is better"):
        plan_pipeline(request_of(systems=systems, data=validated(phantom_of), **plain))
