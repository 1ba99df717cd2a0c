"""The tab key offers names of plugins, recipes and systems."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete

from past_cli.main import cli

CALL = """
import sys; from past_cli.main import main
sys.argv = ['past-cli']
try:
    main()
finally:
    loaded = [name for name in ('torch', 'monai', 'nnunetv2', 'matplotlib') if name in sys.modules]
    print('LOADED', loaded, file=sys.stderr)
"""


def asked(words, shell="bash"):
    """What click's script would be answered for these words, the last one unfinished."""
    environment = os.environ | {
        "_PAST_CLI_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": " ".join(["past-cli", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run(
        [sys.executable, "-c", CALL], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == "LOADED []\n"
    return [line.split(",", 1) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["pipeline", "--translator", "ni"], ["nicegan"]),
        (["pipeline", "--translator", "no"], ["none"]),
        (["pipeline", "--strategy", "to"], ["top-q"]),
        (["pipeline", "--recipe", "pap"], ["paper", "paper2022"]),
        (["pipeline", "--systems", "ta"], ["table1"]),
        (["plugins", "resu"], ["resunet"]),
        (["systems", "ro"], ["routed"]),
        (["comp"], ["compare"]),
    ],
)
def test_names_are_offered(words, offered):
    assert completed(words) == [("plain", name) for name in offered]


def test_files_are_offered_where_no_name_fits():
    assert completed(["pipeline", "--recipe", "mine"]) == [("file", "mine")]


def completed(words):
    """The same, in this process."""
    shell = ShellComplete(cli, {}, "past-cli", "_PAST_CLI_COMPLETE")
    found = shell.get_completions(words[:-1], words[-1])
    return [(one.type, one.value) for one in found]


def test_a_shell_is_answered_and_nothing_heavy_is_loaded():
    assert asked(["pipeline", "--translator", "ni"]) == [["plain", "nicegan"]]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_is_produced(shell):
    if shell == "bash" and shutil.which("bash") is None:
        pytest.skip("click asks bash for its version")
    environment = os.environ | {"_PAST_CLI_COMPLETE": f"{shell}_source"}
    done = subprocess.run(
        [sys.executable, "-c", CALL], env=environment, capture_output=True, text=True, check=True
    )
    assert f"_PAST_CLI_COMPLETE={shell}_complete" in done.stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=done.stdout, text=True, check=True)


def test_a_broken_plugin_writes_nothing_into_the_line(tmp_path, monkeypatch):
    info = tmp_path / "past_loud-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: past-loud\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[past]\nloud = past_loud\n")
    (tmp_path / "past_loud.py").write_text("print('hello'); raise ValueError('broken')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    assert asked(["pipeline", "--translator", "ni"]) == [["plain", "nicegan"]]
