"""What a system is made of, and what of it another goes without."""

from __future__ import annotations

import pytest

from past_core.pipeline.ingredients import ingredients, unused_ingredients

SYSTEMS = """
    [[translation]]
    name = "near"
    translator = "match"
    [[translation]]
    name = "far"
    translator = "match"

    [[model]]
    name = "plain"
    segmenter = "bayes"
    images = [{ from = "source" }]

    [[model]]
    name = "adapted"
    segmenter = "bayes"
    images = [{ from = "near" }, { from = "source" }]
    [[model.round]]
    strategy = "keep"
    images = [{ from = "target" }]
    [[model.round]]
    strategy = "keep"
    images = [{ from = "far" }, { from = "target" }]

    [[model]]
    name = "further"
    segmenter = "bayes"
    start = "adapted"
    images = [{ from = "source" }]
    [[model.round]]
    strategy = "keep"
    images = [{ from = "target" }]

    [[system]]
    name = "further"
    use = "further/0"
    [[system]]
    name = "plain"
    use = "plain"
    [[system]]
    name = "first"
    use = "adapted/0"
    [[system]]
    name = "second"
    use = "adapted/1"
    [[system]]
    name = "last"
    use = { "448" = "adapted", "384" = ["plain"] }
    [[system]]
    name = "mixed"
    use = "plain"
    structures = { vs = "adapted/0" }
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain", []),
        ("first", ["translation near"]),
        ("second", ["translation near", "round 1 of adapted"]),
        (
            "last",
            ["translation near", "translation far", "round 1 of adapted", "round 2 of adapted"],
        ),
        ("mixed", ["translation near"]),
        (
            "further",
            ["translation near", "translation far", "round 1 of adapted", "round 2 of adapted"],
        ),
    ],
)
def test_translations_and_rounds_of_all_models_that_answer(systems_of, name, expected):
    systems = systems_of(SYSTEMS)
    assert ingredients(systems, systems.find_system(name)) == expected


def test_what_the_chosen_one_goes_without(systems_of):
    systems = systems_of(SYSTEMS)
    names = ["plain", "first", "second"]
    assert unused_ingredients(systems, "second", names) == []
    assert unused_ingredients(systems, "first", names) == ["round 1 of adapted"]
    everything = ["translation near", "round 1 of adapted"]
    assert unused_ingredients(systems, "plain", names) == everything
