"""The NICE-GAN plugin: fit, resume, translate, save, load, and what damaged files get."""

import csv
import json
import struct
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from past_core.config import parse_config
from past_core.errors import ConfigError, DataError
from past_core.interfaces import Context
from past_core.plugins import Registry
from past_core.volume import Volume, load_volume
from past_gan.nicegan.config import NiceGANConfig
from past_gan.nicegan.translator import NiceGAN
from past_gan.training import checkpoint
from tests.gan.conftest import BRIGHT


class PulledPlugError(Exception):
    """Ends a training where it stands."""


def fit(config, cases, folder, stop_at=None, seed=3):
    def progress(done, total, note=""):
        assert 0 < done <= total
        assert "cycle" in note
        if done == stop_at:
            raise PulledPlugError

    translator = NiceGAN(config)
    translator.fit(*cases, BRIGHT, Context(folder, seed=seed, progress=progress))
    return translator


def saved(translator, folder):
    translator.save(folder)
    return load_file(folder / "translator.safetensors")


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("changes", [{}, {"ema": 0.5, "precision": "bfloat16", "replay": 3}])
def test_an_interrupted_training_ends_with_the_same_weights(tiny, cases, tmp_path, changes):
    config = tiny.model_copy(update=changes)
    whole = saved(fit(config, cases, tmp_path / "whole"), tmp_path / "a")
    for stop in (3, 5):
        with pytest.raises(PulledPlugError):
            fit(config, cases, tmp_path / "broken", stop_at=stop)
    mended = saved(fit(config, cases, tmp_path / "broken"), tmp_path / "b")
    assert equal(whole, mended)
    rows = [(tmp_path / name / "record/losses.csv").read_text() for name in ("whole", "broken")]
    assert rows[0] == rows[1]
    assert equal(*(load_file(tmp_path / n / "checkpoint.safetensors") for n in ("whole", "broken")))


def test_another_seed_gives_other_weights(tiny, cases, tmp_path):
    one, other = (
        saved(fit(tiny, cases, tmp_path / f"{seed}", seed=seed), tmp_path / f"s{seed}")
        for seed in (1, 2)
    )
    assert not equal(one, other)


def test_a_checkpoint_of_other_settings_is_not_continued(tiny, cases, tmp_path):
    fit(tiny, cases, tmp_path / "run")
    other = tiny.model_copy(update={"learning_rate": 5e-4})
    fresh = saved(fit(other, cases, tmp_path / "fresh"), tmp_path / "a")
    assert equal(fresh, saved(fit(other, cases, tmp_path / "run"), tmp_path / "b"))


def test_a_training_goes_on_with_another_interval_between_checkpoints(tiny, cases, tmp_path):
    with pytest.raises(PulledPlugError):
        fit(tiny, cases, tmp_path / "run", stop_at=5)
    steps = []
    other = tiny.model_copy(update={"checkpoint_interval": 3})
    NiceGAN(other).fit(
        *cases,
        BRIGHT,
        Context(tmp_path / "run", seed=3, progress=lambda done, *_: steps.append(done)),
    )
    assert steps == [5, 6]


def test_training_leaves_torchs_random_state_alone(tiny, cases, tmp_path):
    before = torch.get_rng_state()
    fit(tiny, cases, tmp_path / "run")
    assert torch.equal(before, torch.get_rng_state())


def test_losses_are_written_one_row_a_step(tiny, cases, tmp_path):
    fit(tiny, cases, tmp_path)
    with (tmp_path / "record/losses.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert set(rows[0]) == {"step", "discriminator", "adversarial", "cycle", "reconstruction"}


def test_training_reduces_the_cycle_loss(tiny, cases, tmp_path):
    config = tiny.model_copy(update={"iterations": 60, "checkpoint_interval": 60})
    fit(config, cases, tmp_path)
    with (tmp_path / "record/losses.csv").open() as file:
        cycle = [float(row["cycle"]) for row in csv.DictReader(file)]
    assert np.mean(cycle[-10:]) < 0.7 * np.mean(cycle[:3])


def test_divergence_stops_with_the_step(tiny, cases, tmp_path):
    config = tiny.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(ConfigError, match=r"diverged at step \d") as error:
        fit(config, cases, tmp_path)
    assert "learning_rate" in str(error.value)


@pytest.mark.parametrize(
    "changes", [{}, {"downsampling": 1}, {"upsample": 2.0}, {"image_slices": 3}]
)
def test_saved_translator_translates_as_the_fitted_one(tiny, cases, tmp_path, changes):
    fitted = fit(tiny.model_copy(update=changes), cases, tmp_path / "run")
    fitted.save(tmp_path / "model")
    volume = load_volume(cases[0][0].image)
    first = fitted.translate(volume)
    again = NiceGAN.load(tmp_path / "model").translate(volume)
    assert np.array_equal(first.data, again.data)
    assert first.data.shape == volume.data.shape
    assert first.data.dtype == np.float32
    assert np.array_equal(first.affine, volume.affine)
    assert 0 <= first.data.min() < first.data.max() <= 255


def test_volumes_of_any_size_are_translated_along_the_trained_axis(tiny, cases, tmp_path):
    translator = fit(tiny, cases, tmp_path)
    assert translator.axis == 2
    for shape in ((13, 9, 3), (1, 2, 1)):
        odd = Volume(np.full(shape, 80, np.float32), np.diag([4.0, 1, 1, 1]))
        assert translator.translate(odd).data.shape == shape


def test_full_decoder_pads_small_slices_and_refuses_large_ones(tiny, cases, tmp_path):
    config = tiny.model_copy(update={"decoder": "full", "crop": 32})
    translator = fit(config, cases, tmp_path)
    assert translator.translate(load_volume(cases[0][0].image)).data.shape == (30, 26, 5)
    with pytest.raises(DataError, match="light"):
        translator.translate(Volume(np.zeros((40, 26, 5), np.float32), np.eye(4)))
    small = tiny.model_copy(update={"decoder": "full"})
    with pytest.raises(DataError, match=r"fixed size of 24 pixels") as error:
        fit(small, cases, tmp_path / "too small")
    assert str(cases[0][0].image) in str(error.value)


def truncated(path):
    path.write_bytes(path.read_bytes()[:-200])


def empty(path):
    path.write_bytes(b"")


def hostile(path):
    """A pickle that would create a file if it were ever loaded."""
    trap = path.with_name("trap")
    path.write_bytes(f"cposix\nsystem\n(S'touch {trap}'\ntR.".encode())


def absurd_header(path):
    path.write_bytes(struct.pack("<Q", 2**62) + b"{}")


def foreign(path):
    save_file({"x": torch.zeros(1)}, path)


def other_network(path):
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        facts = json.loads(file.read(length))["__metadata__"]
    save_file({"encoder.x": torch.zeros(1)}, path, metadata=facts)


DAMAGES = [truncated, empty, hostile, absurd_header, foreign, other_network]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_files_are_named_and_run_no_code(tiny, cases, tmp_path, damage):
    fitted = fit(tiny, cases, tmp_path / "run")
    fitted.save(tmp_path / "model")
    for path, use in (
        (tmp_path / "model" / "translator.safetensors", lambda: NiceGAN.load(tmp_path / "model")),
        (tmp_path / "run" / "checkpoint.safetensors", lambda: fit(tiny, cases, tmp_path / "run")),
    ):
        damage(path)
        with pytest.raises(DataError) as error:
            use()
        assert str(path) in str(error.value)
        assert not path.with_name("trap").exists()


def test_loading_from_nowhere_says_so(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        NiceGAN.load(tmp_path)


def test_a_training_checkpoint_is_no_translator(tiny, cases, tmp_path):
    fit(tiny, cases, tmp_path)
    (tmp_path / "checkpoint.safetensors").rename(tmp_path / "translator.safetensors")
    with pytest.raises(DataError, match="nicegan training"):
        NiceGAN.load(tmp_path)


def test_the_defaults_are_the_publications():
    config = NiceGANConfig()
    assert (config.channels, config.blocks, config.heads, config.downsampling) == (64, 6, (1, 3), 2)
    assert (config.adversarial_weight, config.cycle_weight) == (1, 10)
    assert (config.reconstruction_weight, config.identity_weight) == (10, 0)
    assert (config.learning_rate, config.betas, config.weight_decay) == (1e-4, (0.5, 0.999), 1e-4)
    assert (config.batch_size, config.iterations, config.crop) == (1, 300_000, 256)
    assert (config.flip, config.decoder) == ("left-right", "light")
    assert config.resize == pytest.approx(30 / 256)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"crop": 64}, "at least 96"),
        ({"crop": 98}, "multiple of 4"),
        ({"heads": []}, "heads"),
        ({"heads": [4]}, "heads"),
        ({"slice_axis": 3}, "slice_axis"),
        ({"learning_rat": 1}, "unknown key"),
        ({"compile": True, "r1_weight": 1}, "compile to false"),
        ({"processes": 2}, "batch_size 1 cannot be shared"),
        ({"quality": {"cases": 1}}, "2 or more"),
    ],
)
def test_impossible_settings_are_explained(values, complaint):
    with pytest.raises(ConfigError, match=complaint):
        parse_config(NiceGANConfig, values, where="translator")


def test_the_plugin_is_found_and_configured_without_torch():
    code = (
        "import sys; from past_core.plugins import Registry; r = Registry();"
        "r.config('translator', 'nicegan', {'channels': 8}, 'x');"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert Registry().factory("translator", "nicegan") is NiceGAN


@pytest.mark.parametrize("axis", [{}, [1], 3, None])
def test_a_saved_axis_that_is_none_is_refused(tiny, cases, tmp_path, axis):
    fit(tiny, cases, tmp_path / "run").save(tmp_path / "model")
    path = tmp_path / "model/translator.safetensors"
    tensors, facts = checkpoint.read(path, NiceGAN.gan_class.kind)
    checkpoint.write(path, tensors, facts | {"axis": axis})
    with pytest.raises(DataError, match="its slice axis is damaged"):
        NiceGAN.load(tmp_path / "model")
