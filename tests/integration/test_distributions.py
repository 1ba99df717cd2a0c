"""Each distribution stands alone; a third party's plugin is found by its name."""

from __future__ import annotations

import pytest

from tests.integration.commands import run_command, tiny_options

LIGHT = {"past-core": "past_core", "past-selftrain": "past_selftrain", "past-cli": "past_cli"}
HEAVY = {"past-gan": "past_gan", "past-seg": "past_seg"}


@pytest.mark.parametrize(("distribution", "module"), (LIGHT | HEAVY).items())
def test_a_wheel_installs_alone_and_imports(environment_of, tmp_path, distribution, module):
    bin_folder = environment_of(distribution)
    code = (
        f"import importlib, pkgutil, {module}\n"
        f"for found in pkgutil.walk_packages({module}.__path__, '{module}.'):\n"
        "    if not found.name.startswith('past_core.metrics'):\n"
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


@pytest.mark.slow
def test_a_third_party_translator_is_found_by_name_and_used(environment_of, tmp_path):
    bin_folder = environment_of("past-cli[all]", "past-invert")
    listed = run_command(bin_folder / "past-cli", "plugins", cwd=tmp_path).stdout
    assert any("invert" in line and "past-invert 0.1.0" in line for line in listed.splitlines())
    run = [bin_folder / "past-cli", "pipeline", "--translator", "invert", "--recipe", "smoke"]
    done = run_command(
        *run, "--strategy", "none", "--out", "run", *tiny_options("translator"), cwd=tmp_path
    )
    assert "translated" in done.stdout
    scores = (tmp_path / "run/scores.csv").read_text()
    assert "translated,crossmoda_211,cochlea,dice," in scores
