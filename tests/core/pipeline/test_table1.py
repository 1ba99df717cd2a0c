"""Table 1 of the paper over one graph: each model once, each scan and structure by its model."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter

import numpy as np
import pytest

from past_cli.systems import FOLDER
from past_core.errors import ConfigError, DataError
from past_core.pipeline import (
    Processes,
    Request,
    clean_run,
    load_systems,
    plan_pipeline,
    run_pipeline,
)
from past_core.pipeline.systems_file import replaced
from past_core.volume import load_volume
from tests.core.pipeline.toys import FITS, toy_registry

SCANS = {"448": "crossmoda_211", "384": "crossmoda_212"}


def toy(content):
    for model in content["model"]:
        model["segmenter"] = {"nnunet": "bayes", "resunet": "smooth"}[model["segmenter"]]
        for one in model.get("round", []):
            one["settings"] = {"above": 0.6}


TOYS = {
    "systems": replaced(load_systems(FOLDER / "table1.toml"), toy),
    "translator": "match",
    "strategy": "keep",
}


@pytest.fixture
def table1(request_of, many):
    """A request for Table 1 with toys in the places of the real plugins."""
    return lambda **changes: request_of(**({"data": many, "segmenter": None} | TOYS | changes))


@pytest.fixture(scope="module")
def many(phantom_of):
    return phantom_of(source=2, target=4, test=4)


@pytest.fixture(scope="module")
def done(many, tmp_path_factory):
    """A finished run, and what each fit was handed."""
    FITS.clear()
    request = Request(tmp_path_factory.mktemp("table1") / "run", data=many, **TOYS)
    return run_pipeline(request, registry=toy_registry()), list(FITS)


def labels(run, stage_of, system, case):
    return load_volume(stage_of(run, f"combine-{system}") / f"{case}_label.nii.gz", np.uint8).data


def test_each_model_is_trained_once(done):
    fits = Counter(fit.stage for fit in done[1])
    protocols = ("448", "384")
    rounds = ("", "-st1", "-st2")
    assert set(fits) == {
        *("fit-no-da", "fit-oracle"),
        *(f"fit-aligned@{p}" for p in protocols),
        *(f"fit-{m}@{p}{r}" for m in ("nnunet", "resunet") for p in protocols for r in rounds),
    }
    assert set(fits.values()) == {1}


def test_the_rows_are_the_papers(done):
    result, _ = done
    assert result.systems == [
        *("no-da", "nnunet448", "nnunet384", "nnunet-con"),
        *("nnunet-st2", "resunet-st2", "past", "oracle"),
    ]
    assert list(dict.fromkeys(score.system for score in result.scores())) == result.systems


def test_rounds_of_a_protocol_see_its_own_scans_alone(done):
    of = {"448": {"crossmoda_106", "crossmoda_108"}, "384": {"crossmoda_107", "crossmoda_109"}}
    fits = {fit.stage: fit for fit in done[1]}
    for protocol, targets in of.items():
        cases = fits[f"fit-nnunet@{protocol}-st1"].cases
        assert {case for case in cases if case not in ("crossmoda_1", "crossmoda_2")} == targets
        images = {image for case, (image, _, _) in cases.items() if case not in targets}
        assert images == {f"translate-aligned@{protocol}"}
        labels = {label for _, label, _ in cases.values()}
        assert labels == {f"select-nnunet@{protocol}-st1"}, "true labels are replaced"


def test_a_scan_is_segmented_by_the_model_of_its_protocol(done, stage_of):
    result, _ = done
    for protocol, case in SCANS.items():
        routed = labels(result, stage_of, "nnunet-con", case)
        own = labels(result, stage_of, f"nnunet{protocol}", case)
        other = labels(result, stage_of, f"nnunet{'384' if protocol == '448' else '448'}", case)
        np.testing.assert_array_equal(routed, own)
        assert (own != other).any()


def test_past_takes_the_tumour_from_resunet_wherever_no_cochlea_claims_it(done, stage_of):
    result, _ = done
    seen = 0
    for case in (f"crossmoda_{n}" for n in range(211, 215)):
        past, resunet, nnunet = (
            labels(result, stage_of, name, case) for name in ("past", "resunet-st2", "nnunet-st2")
        )
        free = nnunet != 2
        np.testing.assert_array_equal((past == 1)[free], (resunet == 1)[free])
        np.testing.assert_array_equal((past == 2)[resunet != 1], (nnunet == 2)[resunet != 1])
        seen += int((past == 1).sum()) + int((past == 2).sum())
    assert seen


def test_the_oracle_is_left_out_where_target_scans_have_no_labels(run, table1, many, tmp_path):
    folder = tmp_path / "without"
    shutil.copytree(many, folder)
    shutil.rmtree(folder / "target_oracle")
    result, observed = run(table1(data=folder))
    assert "oracle" not in result.systems
    assert any("oracle is left out" in notice for notice in observed.notices)
    with pytest.raises(DataError, match="oracle trains on target labels"):
        run(table1(data=folder, only=("oracle",)))


def test_one_system_builds_what_it_needs(run, table1):
    FITS.clear()
    result, _ = run(table1(only=("nnunet384",)))
    assert {fit.stage for fit in FITS} == {"fit-aligned@384", "fit-nnunet@384"}
    assert result.systems == ["nnunet384"]


def test_a_run_may_stop_after_translating(run, table1):
    result, observed = run(table1(until="translate"))
    assert {name.split("-")[0] for name in observed.ran} == {"check", "crop", "fit", "translate"}
    assert [one.name for one in result.translations()] == ["aligned@448", "aligned@384"]
    assert result.scores() == []


def test_the_plan_runs_nothing_and_knows_what_is_finished(run, table1, registry, calls):
    planned, finished = plan_pipeline(table1(), registry=registry)
    assert finished == {}
    assert calls == []
    run(table1(only=("nnunet384",)))
    planned, finished = plan_pipeline(table1(), registry=registry)
    assert len(planned.graph) > len(finished) > 5
    assert "fit-nnunet@384" in finished
    assert clean_run(table1().folder) == ([], 0), "what is merely planned is not the newest run"


def test_two_processes_come_to_the_same_scores(table1, done, tmp_path, run):
    with Processes(2, 1) as executor:
        together, observed = run(table1(folder=tmp_path / "two"), executor=executor)
    assert together.scores() == done[0].scores()
    assert len(observed.ran) == len(set(observed.ran))
    workers = {manifest(together, report)["process"] for report in together.stages()}
    assert os.getpid() not in workers


def manifest(run, report):
    return json.loads((run.folder / "stages" / report.folder / "manifest.json").read_text())


def test_too_few_scans_of_a_protocol_are_refused(run, table1, phantom_folder, calls):
    with pytest.raises(DataError, match=r"protocol 384 has 1 target scan.*join protocols"):
        run(table1(data=phantom_folder))
    assert calls == []


def test_a_protocol_that_is_not_there_is_named(run, table1, phantom_of, calls):
    only448 = phantom_of(source=2, target=2, test=1, protocols=("448",))
    with pytest.raises(ConfigError, match=r"no target scans of protocol '384'; it has 448"):
        run(table1(data=only448))
    assert calls == []
