"""Listing things loads nothing heavy."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from past_core.plugins import Registry, TranslatorSpec, hookimpl

HEAVY = ("torch", "monai", "nnunetv2", "matplotlib", "nibabel", "scipy")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["pipeline", "--help"], ["plugins"], ["plugins", "nicegan"]]
)
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


def foreign(monkeypatch, *modules):
    monkeypatch.setattr(
        "past_core.plugins.Registry",
        lambda: Registry({f"past-{n}": module for n, module in enumerate(modules)}),
    )


def provides(name, summary):
    @hookimpl
    def past_translators():
        yield TranslatorSpec(name, summary, "m:T", "m:C")

    return SimpleNamespace(past_translators=past_translators)


def test_foreign_text_is_printed_as_it_is(past_cli, monkeypatch):
    """Markup of the tables' library in it ended the command, or was swallowed."""
    summary = "[/int] [red]x[/red] :smile: [bold"
    broken = SimpleNamespace(past_translator=hookimpl(lambda: 0))
    foreign(monkeypatch, provides("odd", summary), broken)
    done = past_cli("plugins")
    assert done.code == 0
    assert summary in done.out
    assert "past-1 0 failed to load: " in done.out


def test_a_name_that_two_distributions_use_is_marked(past_cli, monkeypatch):
    foreign(monkeypatch, provides("twin", ""), provides("twin", ""), provides("other", ""))
    lines = [line for line in past_cli("plugins").out.splitlines() if "translator" in line]
    assert ["twice: neither" in line for line in lines] == [False, True, True]


def test_the_module_is_the_command(tmp_path):
    command = [sys.executable, "-m", "past_cli", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.startswith("past-cli, version 0.")


def test_the_settings_of_a_plugin_are_listed_with_their_source(past_cli):
    done = past_cli("plugins", "nicegan")
    rows = [line.split() for line in done.out.splitlines() if line.strip()]
    lines = {key: rest for key, *rest in rows}
    assert lines["translator.betas"][:2] == ["[0.5,", "0.999]"]
    assert lines["translator.compile"][0] == "false"
    assert lines["translator.iterations"][:3] == ["2000", "recipe", "quick"]
    assert lines["translator.quality.cases"][:3] == ["8", "recipe", "quick"]
    assert lines["translator.starts"][:2] == ["1", "default"]
    assert "Trainings that are begun" in " ".join(lines["translator.starts"])
    other = past_cli("plugins", "nicegan", "--recipe", "long").out
    assert "translator.iterations" in other
    assert "4000" in other


def test_settings_of_an_unknown_plugin_are_refused(past_cli):
    done = past_cli("plugins", "nicgan")
    assert done.code == 2
    assert "no plugin is named 'nicgan'" in done.err
