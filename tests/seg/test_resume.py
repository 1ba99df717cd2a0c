import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from past_core.errors import DataError
from past_seg.nnunet.config import NNUNetConfig
from past_seg.nnunet.segmenter import NNUNet


class StoppedError(Exception):
    pass


def stop_at(iteration, note=""):
    def progress(done, total, text=""):
        if done >= iteration and note in text:
            raise StoppedError

    return progress


def small(balls, **changes):
    return NNUNet(NNUNetConfig(**(balls.tiny | changes)))


@pytest.fixture
def undisturbed(balls):
    segmenter = small(balls)
    segmenter.fit(balls.cases(3), balls.labels, balls.context("undisturbed"))
    return balls.weights(segmenter, "saved")


@pytest.mark.parametrize(
    ("iteration", "note"),
    [(0, "preprocessing 2/3"), (1, ""), (3, ""), (5, ""), (6, "")],
)
def test_a_stopped_fit_ends_with_the_weights_of_an_undisturbed_one(
    balls, undisturbed, iteration, note
):
    with pytest.raises(StoppedError):
        small(balls).fit(
            balls.cases(3),
            balls.labels,
            balls.context("work", progress=stop_at(iteration, note)),
        )
    again = small(balls)
    again.fit(balls.cases(3), balls.labels, balls.context("work"))
    assert balls.weights(again, "resumed") == undisturbed
    losses = (balls.folder / "work/record/losses.csv").read_text()
    assert losses == (balls.folder / "undisturbed/record/losses.csv").read_text()


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_optimizer_and_rate_go_on_where_they_were(balls, optimizer):
    whole = small(balls, optimizer=optimizer)
    whole.fit(balls.cases(2), balls.labels, balls.context("whole"))
    with pytest.raises(StoppedError):
        small(balls, optimizer=optimizer).fit(
            balls.cases(2), balls.labels, balls.context("work", progress=stop_at(4))
        )
    again = small(balls, optimizer=optimizer)
    again.fit(balls.cases(2), balls.labels, balls.context("work"))
    assert balls.weights(again, "a") == balls.weights(whole, "b")


def test_finished_parts_are_not_done_again(balls):
    cases = balls.cases(3)
    with pytest.raises(StoppedError):
        small(balls).fit(cases, balls.labels, balls.context("work", progress=stop_at(3)))
    written = {p: p.stat().st_mtime_ns for p in (balls.folder / "work/raw").rglob("*.nii")}
    written |= {
        p: p.stat().st_mtime_ns for p in (balls.folder / "work").rglob("preprocessed/**/*.np[yz]")
    }
    seen = []

    def progress(done, total, note=""):
        seen.append(done)

    small(balls).fit(cases, balls.labels, balls.context("work", progress=progress))
    assert len(written) == 15
    assert {p: p.stat().st_mtime_ns for p in written} == written
    assert [done for done in seen if done > 0] == [3, 4, 5, 6]  # the first epoch was kept


def test_other_settings_or_other_voxels_start_anew(balls):
    first = small(balls)
    first.fit(balls.cases(2), balls.labels, balls.context("work"))
    other = small(balls, iterations=4)
    other.fit(balls.cases(2), balls.labels, balls.context("work"))
    alone = small(balls, iterations=4)
    alone.fit(balls.cases(2), balls.labels, balls.context("alone"))
    assert balls.weights(other, "a") == balls.weights(alone, "b")

    def brighter(image, label):
        image[label == 1] += 40

    changed = small(balls, iterations=4)
    changed.fit(balls.cases(2, change=brighter), balls.labels, balls.context("work"))
    assert balls.weights(changed, "c") != balls.weights(alone, "d")


def iterations(seen):
    def progress(done, total, note=""):
        if done > 0:
            seen.append(done)

    return progress


@pytest.mark.parametrize("change", [{"tile_step": 1.0}, {"mirroring": True}])
def test_begun_work_goes_on_with_other_prediction_settings(balls, undisturbed, change):
    with pytest.raises(StoppedError):
        small(balls).fit(balls.cases(3), balls.labels, balls.context("work", progress=stop_at(5)))
    seen = []
    again = small(balls, **change)
    context = balls.context("work", progress=iterations(seen))
    again.fit(balls.cases(3), balls.labels, context)
    assert seen == [5, 6]
    assert balls.weights(again, "resumed") == undisturbed


def test_a_begun_warm_start_goes_on_if_only_prediction_settings_of_its_start_changed(
    balls, undisturbed
):
    """Its start is then saved anew, with the same weights."""
    start, cases = balls.folder / "saved", balls.cases(3)
    with pytest.raises(StoppedError):
        small(balls).fit(
            cases, balls.labels, balls.context("work", progress=stop_at(5)), init_from=start
        )
    NNUNet.load(start, prediction={"tile_step": 1.0}).save(start)
    seen = []
    context = balls.context("work", progress=iterations(seen))
    small(balls).fit(cases, balls.labels, context, init_from=start)
    assert seen == [5, 6]


def test_a_damaged_checkpoint_is_left_aside(balls, undisturbed, caplog):
    with pytest.raises(StoppedError):
        small(balls).fit(balls.cases(3), balls.labels, balls.context("work", progress=stop_at(5)))
    checkpoint = balls.folder / "work/checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    again = small(balls)
    again.fit(balls.cases(3), balls.labels, balls.context("work"))
    assert balls.weights(again, "resumed") == undisturbed
    assert "checkpoint.pt" in caplog.text


@pytest.fixture
def begun(balls):
    """The folder of a training that was stopped after its first epoch."""
    with pytest.raises(StoppedError):
        small(balls).fit(balls.cases(3), balls.labels, balls.context("work", progress=stop_at(5)))
    return balls.folder / "work"


def go_on(balls):
    segmenter = small(balls)
    segmenter.fit(balls.cases(3), balls.labels, balls.context("work"))
    return segmenter


@pytest.mark.parametrize("part", ["epoch", "network", "optimizer", "schedule", "online", "rows"])
def test_a_checkpoint_that_lacks_a_part_is_left_aside(balls, undisturbed, begun, caplog, part):
    state = torch.load(begun / "checkpoint.pt", weights_only=True)
    del state[part]
    torch.save(state, begun / "checkpoint.pt")
    assert balls.weights(go_on(balls), "resumed") == undisturbed
    assert f"it lacks {part}" in caplog.text


def test_a_checkpoint_of_another_network_is_refused(balls, begun):
    state = torch.load(begun / "checkpoint.pt", weights_only=True)
    state["network"] = {name: weight[:1] for name, weight in state["network"].items()}
    torch.save(state, begun / "checkpoint.pt")
    with pytest.raises(DataError, match=r"checkpoint.pt: the state of .* Delete it") as caught:
        go_on(balls)
    assert len(str(caught.value)) < 600


@pytest.fixture
def hostile(tmp_path):
    """An object that touches a file when it is unpickled, and that file."""
    proof = tmp_path / "proof"

    class Hostile:
        def __reduce__(self):
            return Path.touch, (proof,)

    pickle.loads(pickle.dumps(Hostile()))  # it would
    proof.unlink()
    return Hostile(), proof


def test_a_hostile_checkpoint_runs_no_code(balls, undisturbed, begun, hostile):
    bad, proof = hostile
    torch.save({"epoch": bad}, begun / "checkpoint.pt")
    assert balls.weights(go_on(balls), "resumed") == undisturbed
    assert not proof.exists()


@pytest.mark.parametrize("name", ["ball1/image.npy", "ball1/label.npy", "ball1.npz"])
def test_hostile_preprocessed_cases_run_no_code(balls, begun, hostile, name):
    bad, proof = hostile
    (path,) = begun.rglob(f"preprocessed/**/{name}")
    content = np.array([bad], object)
    if path.suffix == ".npz":
        np.savez(path, **{"1": content})
    else:
        np.save(path, content)
    with pytest.raises(DataError, match=rf"{path.name}: not what preprocessing .* Delete this"):
        go_on(balls)
    assert not proof.exists()


@pytest.mark.parametrize("name", ["ball1/image.npy", "ball1/label.npy", "ball1.npz"])
def test_a_damaged_preprocessed_case_is_made_anew_once_it_is_deleted(
    balls, undisturbed, begun, name
):
    (path,) = begun.rglob(f"preprocessed/**/{name}")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match=f"{path}: .* Delete this file: it is made anew"):
        go_on(balls)
    path.unlink()
    assert balls.weights(go_on(balls), "resumed") == undisturbed


@pytest.mark.parametrize("value", ["../../elsewhere", "/elsewhere", "", ".."])
@pytest.mark.parametrize("key", ["dataset_name", "plans_name", "data_identifier"])
def test_plans_that_lead_elsewhere_are_refused(balls, begun, key, value):
    path = begun / "prepared.json"
    prepared = json.loads(path.read_text())
    (configuration,) = prepared["plans"]["configurations"].values()
    (configuration if key == "data_identifier" else prepared["plans"])[key] = value
    path.write_text(json.dumps(prepared))
    with pytest.raises(DataError, match=f"{key} is .*, no plain name"):
        go_on(balls)


def test_what_else_lies_beside_preprocessed_cases_runs_no_code(balls, undisturbed, begun, hostile):
    """nnU-Net itself keeps a pickle of each case there, and opens it."""
    bad, proof = hostile
    (folder,) = {path.parent for path in begun.rglob("preprocessed/**/*.npz")}
    for name in ("ball0", "ball1", "ball2"):
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(bad))
    assert balls.weights(go_on(balls), "resumed") == undisturbed
    assert not proof.exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("network_class_name", "pydoc.locate"),
        ("_kw_requires_import", ["conv_op", "n_stages"]),
    ],
)
def test_hostile_plans_of_a_begun_training_run_no_code(balls, begun, key, value):
    path = begun / "prepared.json"
    prepared = json.loads(path.read_text())
    (configuration,) = prepared["plans"]["configurations"].values()
    configuration["architecture"][key] = value
    path.write_text(json.dumps(prepared))
    with pytest.raises(DataError, match=rf"prepared.json: not what .*{key}.* Delete {begun}"):
        go_on(balls)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"plans": 3, "ignores": false}'])
def test_a_damaged_note_of_a_begun_training_is_named(balls, begun, content):
    (begun / "prepared.json").write_text(content)
    with pytest.raises(DataError, match=r"prepared.json: not what preparing a training writes"):
        go_on(balls)


KILLED = """
import os, signal, sys, torch
from pathlib import Path
from past_core.case import Case, Domain
from past_core.interfaces import Context
from past_core.labels import Labels
from past_seg.nnunet.config import NNUNetConfig
from past_seg.nnunet.segmenter import NNUNet

torch.set_num_threads(1)
folder = Path(sys.argv[1])
cases = [
    Case(f"ball{n}", Domain.SOURCE, folder / f"ball{n}.nii.gz", folder / f"ball{n}_label.nii.gz")
    for n in range(3)
]

def progress(done, total, note=""):
    if done == 5:
        os.kill(os.getpid(), signal.SIGKILL)

NNUNet(NNUNetConfig.model_validate_json(sys.argv[2])).fit(
    cases, Labels(("ball",)), Context(folder / "work", seed=7, progress=progress)
)
"""


@pytest.mark.slow
def test_a_killed_process_is_no_loss(balls, undisturbed):
    config = NNUNetConfig(**balls.tiny)
    command = [sys.executable, "-c", KILLED, str(balls.folder), config.model_dump_json()]
    assert subprocess.run(command, check=False).returncode == -9
    again = NNUNet(config)
    again.fit(balls.cases(3), balls.labels, balls.context("work"))
    assert balls.weights(again, "resumed") == undisturbed
