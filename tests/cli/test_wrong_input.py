"""Wrong requests end at once, say what to do, and leave nothing behind."""

import json

import numpy as np
import pytest

from past_core.volume import Volume, load_volume, save_volume


@pytest.fixture
def data(tmp_path):
    """A valid data set of two structures' worth of noise."""
    folder = tmp_path / "data"
    rng = np.random.default_rng(0)
    listed = {"source": [], "target": [], "test": []}
    for part, entries in listed.items():
        for n in range(2):
            image = Volume(rng.normal(100, 20, (16, 16, 8)).astype(np.float32), np.eye(4))
            label = Volume((image.data > 120).astype(np.uint8), np.eye(4))
            entry = {"image": f"{part}{n}_image.nii.gz"}
            save_volume(image, folder / entry["image"])
            if part != "target":
                entry["label"] = f"{part}{n}_label.nii.gz"
                save_volume(label, folder / entry["label"])
            entries.append(entry)
    content = {"name": "noise", "labels": {"background": 0, "bright": 1}} | listed
    (folder / "dataset.json").write_text(json.dumps(content))
    return folder


def spoil_nan(data):
    image = load_volume(data / "source0_image.nii.gz")
    image.data[0, 0, 0] = np.nan
    save_volume(image, data / "source0_image.nii.gz")
    return "source0_image.nii.gz: 1 voxels are NaN or infinite"


def spoil_grid(data):
    label = load_volume(data / "source1_label.nii.gz", np.uint8)
    save_volume(Volume(label.data[1:], label.affine), data / "source1_label.nii.gz")
    return "source1_label.nii.gz: the label lies on another grid"


def spoil_value(data):
    label = load_volume(data / "test0_label.nii.gz", np.uint8)
    label.data[0, 0, 0] = 7
    save_volume(label, data / "test0_label.nii.gz")
    return "test0_label.nii.gz: label values [7.0] are not declared"


def spoil_missing(data):
    (data / "target1_image.nii.gz").unlink()
    return "target1_image.nii.gz: no such file"


def spoil_truncated(data):
    path = data / "target0_image.nii.gz"
    path.write_bytes(path.read_bytes()[:500])
    return "target0_image.nii.gz"


def spoil_one_case(data):
    content = json.loads((data / "dataset.json").read_text())
    content["target"] = content["target"][:1]
    (data / "dataset.json").write_text(json.dumps(content))
    return "1 case"


def nothing_trained(run):
    """At most the check of the data set has left something."""
    return all(path.name.startswith("check-") for path in run.glob("stages/*"))


SPOILED = (
    *(spoil_nan, spoil_grid, spoil_value),
    *(spoil_missing, spoil_truncated, spoil_one_case),
)


@pytest.mark.parametrize("spoil", SPOILED)
def test_a_faulty_data_set_is_refused_before_any_training(past_cli, data, tmp_path, spoil):
    message = spoil(data)
    done = past_cli("pipeline", "--data", data, "--out", tmp_path / "run")
    assert done.code == 1
    assert message in done.err
    assert "Traceback" not in done.err
    assert nothing_trained(tmp_path / "run")


def test_all_problems_of_a_data_set_are_told_at_once(past_cli, data, tmp_path):
    messages = [spoil(data) for spoil in (spoil_nan, spoil_grid, spoil_value)]
    done = past_cli("pipeline", "--data", data, "--out", tmp_path / "run")
    assert "3 problems" in done.err
    assert all(message in done.err for message in messages)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--translator", "nicegna"], "Did you mean 'nicegan'?"),
        (["--segmenter", "unet3"], "no segmenter is named 'unet3'"),
        (["--strategy", "topq"], "Did you mean 'top-q'?"),
        (["--dataset", "crosmoda"], "Did you mean 'crossmoda'?"),
        (["--recipe", "fast"], "neither a built-in recipe"),
        (["--systems", "table2"], "neither built in (chain, past2022, routed, table1)"),
        (["--systems", "table1", "--segmenter", "resunet"], "Say which of them"),
        (["--systems", "table1", "--segmenter", "unet=resunet"], "have no segmenter unet"),
        (["--systems", "table1", "--system", "best"], "no system is named best; there are no-da"),
        (["--systems", "table1"], "has no target scans of protocol '448'"),
        (["--systems", "routed", "--translator", "nicegna"], "Did you mean 'nicegan'?"),
        (["--set", "translator.chanels=8"], "translator.nicegan.chanels: unknown key"),
        (["--set", "translator.channels=-8"], "translator.nicegan.channels"),
        (["--set", "segmenter.optimizer=adam"], "'sgd' or 'adamw', got 'adam'"),
        (["--set", "rounds=3"], "expected KEY=VALUE"),
        (["--set", "crop.roi.lower=[0.9, 0, 0]", "--set", "crop.roi.upper=[0.2, 1, 1]"],
         "axis 0 runs from 0.9 to 0.2"),
        (["--oracle"], "oracle trains on target labels"),
        (["--device", "gpu"], "neither auto, cpu, cuda nor cuda:N"),
        (["--device", "cuda:99"], "device 'cuda:99' is not there"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_refused_before_any_training(past_cli, data, tmp_path, options, message):
    done = past_cli("pipeline", "--data", data, "--out", tmp_path / "run", *options)
    assert done.code == 1
    assert message in done.err
    assert nothing_trained(tmp_path / "run")


def test_a_folder_without_a_known_layout_lists_the_layouts(past_cli, tmp_path):
    (tmp_path / "empty").mkdir()
    done = past_cli("pipeline", "--data", tmp_path / "empty", "--out", tmp_path / "run")
    assert done.code == 1
    assert "crossmoda" in done.err
    assert "datalist" in done.err


def test_the_phantom_is_written_once_and_other_folders_are_left_alone(past_cli, tmp_path):
    small = [
        o for s in ("source=2", "target=2", "test=1", "matrix=56", "slices=8") for o in ("--set", s)
    ]
    folder = tmp_path / "phantom"
    assert past_cli("phantom", folder, *small).code == 0
    assert (folder / "source_training/crossmoda_1_ceT1.nii.gz").exists()
    other = past_cli("phantom", folder, *small, "--set", "seed=2")
    assert other.code == 1
    assert "seed 1 there, 2 asked for" in other.err


def test_a_message_holds_nothing_that_a_terminal_obeys(past_cli, tmp_path):
    (tmp_path / "data").mkdir()
    entry = {"image": "a\x1b[31m\x00b.nii.gz"}
    lists = {"labels": {"background": 0, "vs": 1}, "source": [entry], "target": [entry["image"]]}
    (tmp_path / "data/dataset.json").write_text(json.dumps(lists))
    said = past_cli("check", tmp_path / "data").err
    assert r"a\x1b[31m\x00b.nii.gz" in said
    assert all(c.isprintable() or c == "\n" for c in said)
