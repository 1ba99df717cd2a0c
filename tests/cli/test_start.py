"""Listing things loads nothing heavy."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "monai", "nnunetv2", "matplotlib", "nibabel", "scipy")


@pytest.mark.parametrize("arguments", [["--help"], ["pipeline", "--help"], ["plugins"]])
def test_listing_imports_nothing_heavy(arguments):
    code = (
        "import sys; from past_cli.main import main\n"
        f"sys.argv = ['past-cli', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"


def test_every_plugin_is_listed_with_its_distribution(past_cli):
    listed = past_cli("plugins").out
    for kind, name, distribution in (
        ("dataset", "phantom", "past-core"),
        ("translator", "nicegan", "past-gan"),
        ("segmenter", "nnunet", "past-seg"),
        ("segmenter", "resunet", "past-seg"),
        ("strategy", "top-q", "past-selftrain"),
        ("metric", "assd", "past-core"),
    ):
        assert any(
            line.split()[:2] == [kind, name] and f"{distribution} 0." in line
            for line in listed.splitlines()
        ), name


def test_the_version_is_told(past_cli):
    assert past_cli("--version").out.startswith("past-cli, version 0.")
