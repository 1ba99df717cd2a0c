import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from past_core.errors import ConfigError, DataError
from past_core.labels import Labels
from past_seg.nnunet.config import NNUNetConfig, ResUNetConfig
from past_seg.nnunet.segmenter import NNUNet, ResUNet


@pytest.fixture(scope="module")
def saved(tmp_path_factory, make_balls):
    """A folder that a short training saved, and the balls beside it."""
    torch.set_num_threads(1)
    balls = make_balls(tmp_path_factory.mktemp("saved"))
    segmenter = NNUNet(NNUNetConfig(**balls.tiny))
    segmenter.fit(balls.cases(2), balls.labels, balls.context("work"))
    segmenter.save(balls.folder / "saved")
    return segmenter, balls.folder / "saved"


@pytest.fixture
def copy(saved, tmp_path):
    return shutil.copytree(saved[1], tmp_path / "copy")


def edit(folder, change):
    path = folder / "segmenter.json"
    description = json.loads(path.read_text())
    change(description)
    path.write_text(json.dumps(description))


def test_a_loaded_segmenter_predicts_what_the_saved_one_does(saved, balls):
    segmenter, folder = saved
    volume = balls.case("unseen", 99).load_image()
    loaded = NNUNet.load(folder)
    assert loaded.config == segmenter.config
    np.testing.assert_array_equal(loaded.predict(volume), segmenter.predict(volume))


def test_prediction_settings_replace_the_saved_ones(saved, tmp_path):
    loaded = NNUNet.load(saved[1], prediction={"tile_step": 0.25, "mirroring": True})
    changed = {"tile_step": 0.25, "mirroring": True}
    assert loaded.config == saved[0].config.model_copy(update=changed)
    loaded.save(tmp_path / "again")
    assert NNUNet.load(tmp_path / "again").config == loaded.config
    assert NNUNet.load(saved[1], prediction={}).config == saved[0].config


@pytest.mark.parametrize(
    ("prediction", "message"),
    [
        ({"batch_size": 3}, r"prediction\.batch_size: .* Known keys: mirroring, tile_step"),
        ({"tile": 1, "step": 1}, r"prediction\.step, prediction\.tile: "),
        ({"tile_step": 0}, r"prediction\.tile_step: .*got 0"),
    ],
)
def test_other_prediction_settings_are_refused(saved, prediction, message):
    with pytest.raises(ConfigError, match=message):
        NNUNet.load(saved[1], prediction=prediction)


def test_only_json_and_safetensors_are_saved(saved):
    assert sorted(p.name for p in saved[1].iterdir()) == ["segmenter.json", "weights.safetensors"]


def test_saving_what_was_loaded_gives_the_same_files(saved, tmp_path):
    NNUNet.load(saved[1]).save(tmp_path / "again")
    for name in ("segmenter.json", "weights.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (saved[1] / name).read_bytes()


@pytest.mark.parametrize("name", ["segmenter.json", "weights.safetensors"])
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(DataError, match=f"{name}: no such file"):
        NNUNet.load(copy)


@pytest.mark.parametrize("name", ["segmenter.json", "weights.safetensors"])
@pytest.mark.parametrize("kept", [0, 100])
def test_a_truncated_file_is_named(copy, name, kept):
    (copy / name).write_bytes((copy / name).read_bytes()[:kept])
    with pytest.raises(DataError, match=name):
        NNUNet.load(copy)


def test_another_kind_of_segmenter_is_refused(copy):
    with pytest.raises(DataError, match="holds a 'nnunet', expected a 'resunet'"):
        ResUNet.load(copy)


def test_weights_of_another_network_are_refused(copy, balls):
    weights = load_file(copy / "weights.safetensors")
    name = sorted(weights)[0]
    weights[name] = torch.zeros(3, 3)
    save_file(weights, copy / "weights.safetensors")
    with pytest.raises(DataError, match="not the file that"):
        NNUNet.load(copy)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["plans"]["configurations"]["3d_fullres"]["architecture"].update(
            network_class_name="subprocess.Popen"
        ),
        lambda d: d["plans"]["configurations"]["3d_fullres"]["architecture"]["arch_kwargs"].update(
            nonlin="os.system"
        ),
        lambda d: d["plans"]["configurations"]["3d_fullres"]["architecture"].update(
            _kw_requires_import=["conv_op", "n_stages"]
        ),
        lambda d: d["plans"].update(label_manager="Other"),
        lambda d: d["plans"].pop("configurations"),
        lambda d: d.update(plans=[]),
        lambda d: d.update(format="other"),
        lambda d: d.pop("structures"),
        lambda d: d["config"].update(iterations=-1),
    ],
)
def test_a_description_that_our_planners_do_not_write_is_refused(copy, change):
    edit(copy, change)
    with pytest.raises(DataError, match=r"segmenter\.json"):
        NNUNet.load(copy)


def test_a_plan_that_does_not_fit_the_weights_is_refused(copy, balls):
    def widen(description):
        plan = description["plans"]["configurations"]["3d_fullres"]
        plan["architecture"]["arch_kwargs"]["features_per_stage"][0] = 6

    edit(copy, widen)
    with pytest.raises(DataError, match="cannot be rebuilt"):
        NNUNet.load(copy).predict(balls.case("unseen", 99).load_image())


def test_a_warm_start_begins_with_the_given_weights(saved, balls):
    """At a vanishing rate one iteration leaves them as they were."""
    config = NNUNetConfig(
        **(balls.tiny | {"warm_iterations": 1, "warm_learning_rate": 1e-30, "weight_decay": 0})
    )
    segmenter = NNUNet(config)
    context = balls.context("warm", seed=99)
    segmenter.fit(balls.cases(2), balls.labels, context, init_from=saved[1])
    segmenter.save(balls.folder / "warm_saved")
    before = load_file(saved[1] / "weights.safetensors")
    after = load_file(balls.folder / "warm_saved/weights.safetensors")
    assert all(torch.allclose(before[name], after[name], atol=1e-7) for name in before)


def test_a_warm_start_uses_its_own_iterations_and_rate(saved, balls):
    config = NNUNetConfig(**(balls.tiny | {"warm_iterations": 4, "warm_learning_rate": 0.01}))
    NNUNet(config).fit(balls.cases(2), balls.labels, balls.context("warm"), init_from=saved[1])
    lines = (balls.folder / "warm/record/losses.csv").read_text().splitlines()
    assert len(lines) == 1 + 4
    assert float(lines[1].split(",")[1]) == pytest.approx(0.01 / 25)


def test_a_warm_start_may_change_the_batch(saved, balls):
    config = NNUNetConfig(**(balls.tiny | {"batch_size": 3}))
    NNUNet(config).fit(balls.cases(2), balls.labels, balls.context("warm"), init_from=saved[1])
    prepared = json.loads((balls.folder / "warm/prepared.json").read_text())
    assert prepared["plans"]["configurations"]["3d_fullres"]["batch_size"] == 3


@pytest.mark.parametrize("before", [False, True])
def test_a_warm_start_may_gain_or_lose_the_ignore_label(balls, before):
    def corner_ignored(_, label):
        label[:4] = balls.labels.ignore

    change = {before: corner_ignored, not before: None}
    first = NNUNet(NNUNetConfig(**balls.tiny))
    first.fit(balls.cases(2, change=change[True]), balls.labels, balls.context("first"))
    first.save(balls.folder / "first_saved")
    second = NNUNet(NNUNetConfig(**balls.tiny))
    second.fit(
        balls.cases(2, change=change[False]),
        balls.labels,
        balls.context("second"),
        init_from=balls.folder / "first_saved",
    )
    assert second.predict(balls.case("unseen", 99).load_image()).shape[0] == 2


def test_a_warm_start_is_resumable(saved, balls):
    class StoppedError(Exception):
        pass

    def stop(done, total, note=""):
        if done == 3:
            raise StoppedError

    whole, again = (NNUNet(NNUNetConfig(**balls.tiny)) for _ in range(2))
    whole.fit(balls.cases(2), balls.labels, balls.context("whole"), init_from=saved[1])
    with pytest.raises(StoppedError):
        again.fit(
            balls.cases(2), balls.labels, balls.context("work", progress=stop), init_from=saved[1]
        )
    again.fit(balls.cases(2), balls.labels, balls.context("work"), init_from=saved[1])
    assert balls.weights(again, "a") == balls.weights(whole, "b")


@pytest.mark.parametrize(
    ("segmenter", "structures", "message"),
    [
        (ResUNet(ResUNetConfig()), ("ball",), "holds a 'nnunet', expected a 'resunet'"),
        (NNUNet(NNUNetConfig()), ("ball", "other"), r"trained for \['ball'\], not for"),
    ],
)
def test_a_warm_start_from_something_else_is_refused(saved, balls, segmenter, structures, message):
    with pytest.raises(DataError, match=message):
        segmenter.fit(balls.cases(2), Labels(structures), balls.context("warm"), init_from=saved[1])


def test_a_warm_start_with_another_plan_is_refused(saved, balls):
    config = NNUNetConfig(**(balls.tiny | {"base_features": 5}))
    with pytest.raises(DataError, match="planned with base_features = 4, the recipe has 5"):
        NNUNet(config).fit(balls.cases(2), balls.labels, balls.context("warm"), init_from=saved[1])


def test_a_warm_start_from_nowhere_is_refused(balls):
    with pytest.raises(DataError, match="no such file"):
        NNUNet(NNUNetConfig(**balls.tiny)).fit(
            balls.cases(2), balls.labels, balls.context("warm"), init_from=balls.folder / "none"
        )
