"""Stages are known by what they are made of; what two need exists once."""

from dataclasses import replace

import pytest

from past_core.pipeline.graph import Graph
from past_core.pipeline.stage import Stage, derive_seed

CROP = Stage("crop", "work.crop:crop", {"roi": [0, 1]})
FIT = Stage("fit", "work.segment:fit", {"size": 3}, {"images": CROP}, seed=7)


def test_the_fingerprint_is_of_all_that_decides_the_result():
    other_crop = replace(CROP, params={"roi": [0, 2]})
    changed = [
        replace(FIT, function="work.segment:other"),
        replace(FIT, generation=2),
        replace(FIT, params={"size": 4}),
        replace(FIT, seed=8),
        replace(FIT, inputs={"images": other_crop}),
        replace(FIT, inputs={"labels": CROP}),
    ]
    assert len({FIT.fingerprint, *(stage.fingerprint for stage in changed)}) == len(changed) + 1


def test_the_fingerprint_is_not_of_names_and_places():
    assert replace(FIT, name="else").fingerprint == FIT.fingerprint
    assert replace(FIT, incidental={"workers": 2}).fingerprint == FIT.fingerprint
    renamed = replace(FIT, inputs={"images": replace(CROP, name="cut")})
    assert renamed.fingerprint == FIT.fingerprint


def test_a_folder_is_named_by_stage_and_short_fingerprint():
    assert FIT.folder == f"fit-{FIT.fingerprint[:12]}"


def test_a_stage_of_the_same_content_is_the_one_there_is():
    graph = Graph()
    crop = graph.add(CROP)
    assert graph.add(replace(CROP, name="cut")) is crop
    assert len(graph) == 1


def test_another_stage_of_a_name_is_a_defect():
    graph = Graph()
    graph.add(CROP)
    with pytest.raises(ValueError, match="two different stages are named crop"):
        graph.add(replace(CROP, params={}))


def test_an_input_must_be_there_first():
    with pytest.raises(ValueError, match="its input images, crop, is not there"):
        Graph().add(FIT)


def test_what_most_wait_for_is_ready_first():
    graph = Graph()
    crop = graph.add(CROP)
    short = graph.add(replace(FIT, name="short", params={"a": 1}))
    long = graph.add(replace(FIT, name="long", params={"a": 2}))
    later = graph.add(Stage("later", "f:g", {}, {"model": long}))
    assert [stage.name for stage in graph.ready(())] == ["crop"]
    assert [stage.name for stage in graph.ready({"crop"})] == ["long", "short"]
    assert graph.ready({"crop", "long", "short"}) == [later]
    assert [s.name for s in graph.with_needed([short])] == [crop.name, short.name]


def test_seeds_differ_by_each_part():
    seeds = {derive_seed(0, "a", 0), derive_seed(1, "a", 0), derive_seed(0, "b", 0)}
    assert len(seeds | {derive_seed(0, "a", 1)}) == 4
    assert all(0 <= seed < 2**32 for seed in seeds)
