"""What docs/plugins.md shows is run as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from past_core.plugins import Registry, SegmenterSpec, TranslatorSpec, hookimpl
from past_core.testing import check_distribution

PAGE = Path(__file__).parents[2] / "docs" / "plugins.md"


def blocks():
    """Python of the page that begins with a file's name, by that name."""
    found = re.findall(
        r"^```python\n# (\S+)\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE
    )
    return dict(found)


@pytest.fixture
def installed(tmp_path):
    """The page's package, as pip would leave it, with its test file."""
    for name, text in blocks().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "past_sure/__init__.py").touch()
    info = tmp_path / "past_sure-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: past-sure\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[past]\npast-sure = past_sure.plugin\n")
    return tmp_path


def conformance(folder):
    """Run the page's test file in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=folder,
        env={
            "PYTHONPATH": ":".join([str(folder), *filter(None, sys.path)]),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_strategy_of_the_page_passes_the_pages_own_test(installed):
    assert blocks().keys() == {
        "past_sure/sure.py",
        "past_sure/plugin.py",
        "tests/test_conformance.py",
    }
    assert len(blocks()["tests/test_conformance.py"].splitlines()) == 3
    done = conformance(installed)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_that_test_finds_a_setting_without_a_text(installed):
    path = installed / "past_sure/sure.py"
    path.write_text(
        path.read_text().replace('    """Probability from', '    # """Probability from')
    )
    done = conformance(installed)
    assert done.returncode == 1
    assert "above has no description" in done.stdout


def module(*specs, hook):
    def implementation():
        yield from specs

    implementation.__name__ = hook
    return type("Module", (), {hook: staticmethod(hookimpl(implementation))})


@pytest.mark.usefixtures("toys")
def test_all_plugins_of_a_distribution_are_checked(tmp_path):
    toys = "tests.core.toys"
    invert = TranslatorSpec("invert", "Toy.", f"{toys}:Invert", f"{toys}:ToyConfig")
    wrong = SegmenterSpec("wrong", "Toy.", f"{toys}:Invert", f"{toys}:ToyConfig")
    registry = Registry(
        {
            "past-toys": module(invert, hook="past_translators"),
            "past-wrong": module(wrong, hook="past_segmenters"),
        }
    )
    checked = check_distribution("past-toys", tmp_path, {"invert": {"steps": 4}}, registry)
    assert checked == ["translator invert"]
    for name, settings, said in (
        ("past-wrong", {}, "must be a subclass of Segmenter"),
        ("past-nothing", {}, "past-nothing provides no plugin"),
        ("past-toys", {"inverse": {}}, "settings of inverse: no plugin of past-toys"),
    ):
        with pytest.raises(AssertionError, match=said):
            check_distribution(name, tmp_path / said[:9], settings, registry)


def test_a_distribution_that_fails_to_load_is_said(tmp_path):
    registry = Registry({"past-broken": type("Module", (), {})})
    with pytest.raises(AssertionError, match=r"past-broken failed to load: .*none of the hooks"):
        check_distribution("past-broken", tmp_path, registry=registry)
