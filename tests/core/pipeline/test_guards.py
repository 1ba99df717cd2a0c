"""Guard rails: what goes wrong in self-training is said, and what goes well is not."""

from __future__ import annotations

import json

import pytest

from past_core.case import Domain
from past_core.pipeline import open_run, selections_of, troubles
from tests.core.pipeline.toys import FITS

WELL = {"background": 900, "vs": 60, "cochlea": 40}


def case(domain="target", predicted=WELL, share=0.6, guessed=0.0, *, alone=False, taken=0.0):
    kept = {name: int(count * share) for name, count in predicted.items()}
    return {
        "domain": domain,
        "weight": 1.0,
        "alone": alone,
        "predicted": dict(predicted),
        "kept": kept,
        "guessed": {name: int(count * guessed) for name, count in kept.items()},
        "added": {name: count // 4 for name, count in kept.items()},
        "taken": {name: int(count * taken) for name, count in predicted.items()},
    }


@pytest.fixture
def run_of(tmp_path):
    """A run folder of rounds: for each, the cases of its selection."""

    def make(*rounds):
        selections = []
        for k, cases in enumerate(rounds, start=1):
            # A stage that two models share has the name of one of them.
            stage = f"select-other-st{k}-0123456789ab"
            selections.append({"model": "net@448", "round": k, "stage": stage})
            folder = tmp_path / "stages" / stage
            folder.mkdir(parents=True)
            said = {"cases": {f"c{n}": one for n, one in enumerate(cases)}}
            (folder / "selection.json").write_text(json.dumps(said))
        labels = {"background": 0, "vs": 1, "cochlea": 2}
        cases = {"source": [], "target": [], "test": []}
        record = {"selections": selections, "labels": labels, "cases": cases, "scans": {}}
        record |= {"systems": [], "translations": [], "stages": ["check-0"]}
        (tmp_path / "run.json").write_text(json.dumps(record))
        return open_run(tmp_path)

    return make


def test_rounds_that_go_well_are_not_spoken_of(run_of):
    fewer = WELL | {"vs": 40}
    run = run_of([case("source"), case()], [case("source", fewer), case("target", fewer)])
    assert troubles(run) == []


def test_what_rounds_selected_is_summed_by_domain(run_of):
    run = run_of([case("source", share=0.5), case(taken=0.5), case(guessed=0.5)])
    source, target = selections_of(run)
    assert target.added["vs"] == 18
    assert target.taken["vs"] == 30
    assert target.taught_size("vs") == 54
    assert (source.model, source.round, source.domain) == ("net@448", 1, Domain.SOURCE)
    assert target.predicted == {name: 2 * count for name, count in WELL.items()}
    assert target.kept["vs"] == 72
    assert target.guessed["vs"] == 18
    assert target.size("vs") == 60
    assert target.cases == ("c1", "c2")
    assert source.share("vs") == 0.5


def test_a_class_that_is_predicted_nowhere_is_named(run_of):
    none = WELL | {"cochlea": 0}
    (said,) = troubles(run_of([case(predicted=none), case(predicted=none)]))
    assert "Round 1 of net@448: cochlea was predicted in no target scan" in said


def test_one_scan_with_it_is_enough(run_of):
    assert not troubles(run_of([case(predicted=WELL | {"cochlea": 0}), case()]))


def test_a_class_that_fades_over_the_rounds_is_named(run_of):
    """Finds a round compared with the one before alone: 40 of 60 of 80 goes unnoticed."""
    counts = [100, 70, 49]
    run = run_of(*([case(predicted=WELL | {"vs": count})] for count in counts))
    (said,) = troubles(run)
    assert "Round 3 of net@448: vs is vanishing from target scans, 49 voxels a scan of 100" in said


@pytest.mark.parametrize(("taken", "said"), [(0.0, True), (0.5, False)])
def test_what_the_image_took_away_has_not_faded(run_of, taken, said):
    """Finds a structure that was predicted too large, and is mended, called vanishing."""
    run = run_of([case(taken=taken)], [case(predicted=WELL | {"vs": 28})])
    assert bool(troubles(run)) == said


def test_fewer_scans_are_no_fading(run_of):
    assert not troubles(run_of([case(), case(), case()], [case()]))


def test_labels_by_guesses_are_named(run_of):
    (said,) = troubles(run_of([case(predicted=WELL | {"vs": 0}, guessed=0.25), case()]))
    assert "12% of the labels of cochlea in target scans have a probability below a half" in said


def test_a_few_guesses_are_not(run_of):
    assert not troubles(run_of([case(guessed=0.1)]))


def test_a_starved_target_is_named_and_a_starved_source_is_not(run_of):
    run = run_of([case("source", share=0.8), case(share=0.3)])
    assert [one.split(":")[1][:20] for one in troubles(run)] == [
        " of vs 30% is kept i",
        " of cochlea 30% is k",
    ]
    assert "scope = 'class-and-domain'" in troubles(run)[0]


def test_and_not_the_other_way_round(run_of):
    assert not troubles(run_of([case("source", share=0.3), case(share=0.8)]))


def test_a_real_run_leaves_what_the_guards_read(run, request_of):
    """The toys' target is far from their source: the strategy keeps less of it."""
    FITS.clear()
    result, _ = run(request_of(assignments=("strategy.above=0.8",)))
    found = selections_of(result)
    assert [(one.model, one.round, one.domain) for one in found] == [
        ("bayes", 1, Domain.TARGET),
        ("bayes", 2, Domain.TARGET),
    ]
    for one in found:
        assert set(one.predicted) == {"background", "vs", "cochlea"}
        assert sum(one.predicted.values()) >= sum(one.kept.values()) > 0
        assert one.guessed == dict.fromkeys(one.predicted, 0)


SYSTEMS = """
    [[model]]
    name = "net"
    segmenter = "bayes"
    images = [{ from = "source" }]
    [[model.round]]
    repeat = 2
    strategy = "keep"
    images = [{ from = "source", labels = "keep" }, { from = "target" }]
    [[system]]
    name = "first"
    use = "net/0"
    [[system]]
    name = "second"
    use = "net/1"
    [[system]]
    name = "third"
    use = "net"
    [[system]]
    name = "final"
    choose = ["first", "second", "third"]
    validators = VALIDATORS
"""


@pytest.mark.parametrize(
    ("likes", "said"),
    [
        ("second", ["third is judged worse than second, the round before it, by taste (1.000, "]),
        ("first", ["second is judged worse than first"]),
        ("third", []),
    ],
)
def test_a_round_that_every_validator_puts_below_the_one_before_is_named(
    run, request_of, systems_of, likes, said
):
    plain = {"translator": None, "segmenter": None, "strategy": None}
    liked = (f"validator.taste.likes={likes}",)
    result, _ = run(
        request_of(
            systems=systems_of(SYSTEMS.replace("VALIDATORS", '["taste"]')),
            assignments=liked,
            **plain,
        )
    )
    assert result.choices()["final"]["chosen"] == likes
    found = [one for one in troubles(result) if "judged worse" in one]
    assert len(found) == len(said)
    assert all(one.startswith(start) for one, start in zip(found, said, strict=True))


def test_one_validator_against_another_is_no_verdict(run, request_of, systems_of):
    """Finds a round called worse for what one of two validators says."""
    plain = {"translator": None, "segmenter": None, "strategy": None}
    systems = systems_of(SYSTEMS.replace("VALIDATORS", '["taste", "flip"]'))
    result, _ = run(
        request_of(systems=systems, assignments=("validator.taste.likes=first",), **plain)
    )
    means = result.choices()["final"]["means"]
    assert means["taste"]["second"] < means["taste"]["first"]
    worse = means["flip"]["second"] < means["flip"]["first"]
    said = [one for one in troubles(result) if one.startswith("second is judged worse")]
    assert bool(said) == worse
    assert not worse, "else this test shows nothing"


def test_systems_of_several_models_are_no_rounds_of_one(run, request_of, systems_of):
    text = SYSTEMS.replace("VALIDATORS", '["taste"]').replace(
        'use = "net"\n', 'use = "net"\n    structures = { vs = "net/0" }\n'
    )
    plain = {"translator": None, "segmenter": None, "strategy": None}
    liked = ("validator.taste.likes=second",)
    result, _ = run(request_of(systems=systems_of(text), assignments=liked, **plain))
    assert not [one for one in troubles(result) if "judged worse" in one]
