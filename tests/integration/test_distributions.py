"""Each distribution stands alone; a third party's plugin is found by its name."""

from __future__ import annotations

import numpy as np
import pytest

from past_core.volume import load_volume
from tests.integration.commands import ROOT, run_command, tiny_options

LIGHT = {"past-core": "past_core", "past-selftrain": "past_selftrain", "past-cli": "past_cli"}
HEAVY = {"past-gan": "past_gan", "past-seg": "past_seg"}

NEED_TORCH = ("past_selftrain.mean_teacher.teacher",)
"""What of the light ones needs torch, which comes with an extra or with a segmenter."""

ALONE = ["--jobs", "1"]
"""Other tests work on the other core; a process for each stage at a time would import anew."""


@pytest.mark.parametrize(("distribution", "module"), (LIGHT | HEAVY).items())
def test_a_wheel_installs_alone_and_imports(environment_of, tmp_path, distribution, module):
    bin_folder = environment_of(distribution)
    code = (
        f"import importlib, pkgutil, {module}\n"
        f"for found in pkgutil.walk_packages({module}.__path__, '{module}.'):\n"
        f"    if not found.name.startswith({NEED_TORCH}):\n"
        "        importlib.import_module(found.name)\n"
        "import sys; print('torch' in sys.modules)\n"
    )
    done = run_command(bin_folder / "python", "-W", "ignore", "-c", code, cwd=tmp_path)
    assert done.stdout.strip() == str(distribution in HEAVY)


def test_the_command_line_alone_says_which_package_provides_nicegan(environment_of, tmp_path):
    command = environment_of("past-cli") / "past-cli"
    done = run_command(command, "pipeline", cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "no translator is named 'nicegan'" in done.stderr
    assert "pip install 'past-gan'" in done.stderr
    assert not list(tmp_path.rglob("*.nii.gz"))


@pytest.fixture(scope="module")
def without_gan(environment_of):
    """The command line, a segmenter and a third party's translator: no past-gan, no top-q."""
    return environment_of("past-cli", "past-seg", "past-invert")


@pytest.mark.slow
def test_a_third_party_translator_is_used_in_a_users_systems_file(without_gan, tmp_path):
    listed = run_command(without_gan / "past-cli", "plugins", cwd=tmp_path).stdout
    assert any("invert" in line and "past-invert 0.1.0" in line for line in listed.splitlines())
    systems = ROOT / "examples" / "past-invert" / "systems.toml"
    run = [without_gan / "past-cli", "pipeline", "--systems", systems, "--recipe", "smoke"]
    done = run_command(*run, "--out", "run", *tiny_options("translator"), *ALONE, cwd=tmp_path)
    scores = (tmp_path / "run/scores.csv").read_text()
    for system in ("inverted", "both"):
        assert system in done.stdout
        assert f"{system},crossmoda_211,cochlea,dice," in scores


@pytest.fixture
def segmented(without_gan, tmp_path):
    """A folder with a finished run of one segmenter, and the command's options."""
    run = [without_gan / "past-cli", "pipeline", "--translator", "none", "--recipe", "smoke"]
    options = [*run, "--out", "run", *tiny_options("translator"), *ALONE]
    run_command(*options, cwd=tmp_path)
    return tmp_path, options


@pytest.mark.slow
def test_a_trained_system_is_kept_moved_and_applied_bit_for_bit(
    segmented, without_gan, environment_of
):
    folder, options = segmented
    assert "no-da,crossmoda_211,cochlea,dice," in (folder / "run/scores.csv").read_text()
    asked = run_command(*options, "--strategy", "top-q", cwd=folder, check=False)
    assert asked.returncode == 1
    assert "'top-q' is in past-selftrain: pip install 'past-selftrain'" in asked.stderr

    export = [without_gan / "past-cli", "export", "run"]
    run_command(*export, "model", "--zip", "--system", "no-da", cwd=folder)
    (folder / "run").rename(folder / "gone")
    elsewhere = environment_of("past-cli", "past-seg")
    validation = folder / "gone/data/target_validation"
    scans = [validation / f"crossmoda_{n}_hrT2.nii.gz" for n in (211, 212)]
    broken = folder / "broken.nii.gz"
    broken.write_bytes(b"no scan")
    predict = [elsewhere / "past-cli", "predict", "model.zip"]
    done = run_command(*predict, scans[0], broken, scans[1], "new", cwd=folder, check=False)
    assert done.returncode == 1
    assert f"{broken}: not a readable NIfTI file" in done.stderr
    assert "2 segmentations in new" in done.stdout
    for scan in scans:
        name = scan.name.replace("hrT2", "Label")
        made, before = (
            load_volume(path, np.uint8)
            for path in (folder / "new" / scan.name, folder / "gone/segmentations/no-da" / name)
        )
        assert np.array_equal(made.data, before.data)
        assert np.array_equal(made.affine, before.affine)
        assert made.data.any()
