"""Guard rails: what goes wrong in self-training is said, and what goes well is not."""

from __future__ import annotations

import json

import pytest

from past_core.case import Domain
from past_core.pipeline import open_run, selections_of, troubles
from tests.core.pipeline.toys import FITS

WELL = {"background": 900, "vs": 60, "cochlea": 40}


def case(domain="target", predicted=WELL, share=0.6, least=0.9):
    counts = dict(predicted)
    return {
        "domain": domain,
        "weight": 1.0,
        "predicted": counts,
        "kept": {name: int(count * share) for name, count in counts.items()},
        "least": {name: least if count else None for name, count in counts.items()},
    }


@pytest.fixture
def run_of(tmp_path):
    """A run folder of rounds: for each, the cases of its selection."""

    def make(*rounds):
        stages = []
        for k, cases in enumerate(rounds, start=1):
            stages.append(f"select-net@448-st{k}-0123456789ab")
            folder = tmp_path / "stages" / stages[-1]
            folder.mkdir(parents=True)
            said = {"cases": {f"c{n}": one for n, one in enumerate(cases)}}
            (folder / "selection.json").write_text(json.dumps(said))
        labels = {"background": 0, "vs": 1, "cochlea": 2}
        (tmp_path / "run.json").write_text(json.dumps({"stages": stages, "labels": labels}))
        return open_run(tmp_path)

    return make


def test_rounds_that_go_well_are_not_spoken_of(run_of):
    fewer = WELL | {"vs": 40}
    run = run_of([case("source"), case()], [case("source", fewer), case("target", fewer)])
    assert troubles(run) == []


def test_what_rounds_selected_is_summed_by_domain(run_of):
    run = run_of([case("source", share=0.5), case(), case(least=0.7)])
    source, target = selections_of(run)
    assert (source.model, source.round, source.domain) == ("net@448", 1, Domain.SOURCE)
    assert target.predicted == {name: 2 * count for name, count in WELL.items()}
    assert target.kept["vs"] == 72
    assert target.least["vs"] == 0.7
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
    assert "Round 3 of net@448: vs is vanishing from target scans, 49 voxels of 100" in said


def test_labels_by_guesses_are_named(run_of):
    (said,) = troubles(run_of([case(), case(predicted=WELL | {"vs": 0}, least=0.41)]))
    assert "cochlea is labelled in target scans down to a confidence of 0.41" in said


def test_a_starved_target_is_named_and_a_starved_source_is_not(run_of):
    run = run_of([case("source", share=0.8), case(share=0.3)])
    assert [one.split(":")[1][:20] for one in troubles(run)] == [
        " of vs 30% is kept i",
        " of cochlea 30% is k",
    ]
    assert "Set scope = 'class-and-domain'" in troubles(run)[0]


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
        assert all(least is None or least >= 0.79 for least in one.least.values())


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
    validators = ["taste"]
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
    result, _ = run(request_of(systems=systems_of(SYSTEMS), assignments=liked, **plain))
    assert result.choices()["final"]["chosen"] == likes
    found = [one for one in troubles(result) if "judged worse" in one]
    assert len(found) == len(said)
    assert all(one.startswith(start) for one, start in zip(found, said, strict=True))
