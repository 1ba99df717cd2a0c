"""Plugins are found; unknown, ambiguous and broken ones are named with a remedy."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from past_core import ConfigError, PluginError
from past_core.plugins import (
    MetricSpec,
    Registry,
    SegmenterSpec,
    TranslatorSpec,
    hookimpl,
)


def translator(name, module="tests.core.toys"):
    return TranslatorSpec(name, f"{name}, for tests.", f"{module}:Invert", f"{module}:ToyConfig")


def provides(*specs, hook="past_translators"):
    """A plugin module whose one hook yields these descriptions."""

    def implementation():
        yield from specs

    implementation.__name__ = hook
    return SimpleNamespace(**{hook: hookimpl(implementation)})


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a distribution with one plugin module, as pip would leave it on the path."""

    def install(distribution, source, *, version="1.2", entry_point=None):
        module = distribution.replace("-", "_")
        folder = tmp_path / distribution
        info = folder / f"{module}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        (info / "entry_points.txt").write_text(
            f"[past]\n{entry_point or distribution} = {module}\n"
        )
        (folder / f"{module}.py").write_text(source)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, module, raising=False)
        return folder

    return install


INVERT = """
from past_core.plugins import TranslatorSpec, hookimpl

@hookimpl
def past_translators():
    toys = "tests.core.toys"
    yield TranslatorSpec("{name}", "For tests.", toys + ":Invert", toys + ":ToyConfig")
"""

MUTE = """
class Mute(Exception):
    def __str__(self):
        raise RuntimeError
"""


def test_an_installed_plugin_is_found_by_name_configured_and_made(install, toys):
    install("past-invert", INVERT.format(name="invert"))
    registry = Registry()
    found = registry.find("translator", "invert")
    assert (found.distribution, found.version) == ("past-invert", "1.2")
    config = registry.config("translator", "invert", {"steps": 3}, "translator.invert")
    made = registry.create("translator", "invert", config)
    assert isinstance(made, toys.Invert)
    assert made.config.steps == 3


def test_finding_a_plugin_does_not_import_its_class(install):
    install("past-lazy", INVERT.format(name="lazy").replace("tests.core.toys", "nowhere_at_all"))
    assert Registry().find("translator", "lazy").spec.factory == "nowhere_at_all:Invert"


def test_plugins_are_listed_by_kind_in_order_of_name():
    registry = Registry(
        {
            "b": provides(translator("zebra"), translator("ant")),
            "a": provides(translator("mole")),
            "c": provides(MetricSpec("nsd", "", "m:M", "m:C"), hook="past_metrics"),
        }
    )
    assert [one.spec.name for one in registry.all("translator")] == ["ant", "mole", "zebra"]
    assert [one.spec.name for one in registry.all("metric")] == ["nsd"]
    assert registry.all("segmenter") == []


def test_an_unknown_name_gets_the_nearest_match_and_what_is_installed():
    registry = Registry({"a": provides(translator("cyclegan"), translator("munit"))})
    with pytest.raises(
        PluginError,
        match=r"no translator is named 'cycelgan'.*mean 'cyclegan'\?.*Installed: cyclegan, munit",
    ):
        registry.find("translator", "cycelgan")


@pytest.mark.parametrize(
    ("kind", "name", "package"),
    [
        ("translator", "nicegan", "past-gan"),
        ("segmenter", "nnunet", "past-seg"),
        ("segmenter", "resunet", "past-seg"),
        ("strategy", "top-q", "past-selftrain"),
    ],
)
def test_a_plugin_of_a_package_that_is_not_installed_names_the_package(kind, name, package):
    with pytest.raises(
        PluginError, match=f"'{name}' is in {package}: pip install '{package}'.*Installed: none"
    ):
        Registry({}).find(kind, name)


def test_the_packages_named_in_errors_are_those_that_provide_the_plugins():
    from past_core.plugins.own import PROVIDED_BY

    registry = Registry()
    for (kind, name), package in PROVIDED_BY.items():
        assert registry.find(kind, name).distribution == package.split("[")[0]


def test_two_plugins_of_one_name_are_an_error_that_names_both(install):
    install("past-one", INVERT.format(name="twin"), version="1.0")
    install("past-two", INVERT.format(name="twin"), version="2.0")
    with pytest.raises(
        PluginError,
        match=r"two plugins provide the translator 'twin': past-one 1\.0 and past-two 2\.0",
    ):
        Registry().find("translator", "twin")


def test_one_name_for_two_kinds_is_no_conflict():
    registry = Registry(
        {
            "a": provides(translator("same")),
            "b": provides(SegmenterSpec("same", "", "m:S", "m:C"), hook="past_segmenters"),
        }
    )
    assert registry.find("translator", "same").distribution == "a"
    assert registry.find("segmenter", "same").distribution == "b"


def test_two_distributions_may_call_their_entry_points_the_same(install):
    install("past-one", INVERT.format(name="one"), entry_point="plugin")
    install("past-two", INVERT.format(name="two"), entry_point="plugin")
    names = [one.spec.name for one in Registry().all("translator")]
    assert {"one", "two"} <= set(names)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("def broken(:", "SyntaxError"),
        ("raise SystemError('driver')", "SystemError: driver"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("def past_translators():\n    return []", "none of the hooks past_datasets, past_trans"),
        ("x = '[/int] [red]'\nraise ValueError(x)", "ValueError: [/int] [red]"),
        (
            INVERT.format(name="x").replace("past_translators", "past_translator"),
            "unknown hook 'past_translator'",
        ),
        (INVERT.format(name="x").replace("yield", "raise ValueError('no') #"), "ValueError: no"),
        (INVERT.format(name="x").replace("past_translators", "past_metrics"), "past_metrics gave"),
        (INVERT.format(name="x").replace("yield ", "yield 3 #"), "past_translators gave 3"),
        (INVERT.format(name="x").replace('"x"', "3"), "whose name is no text"),
        (INVERT.format(name="x").replace("yield", "raise SystemExit(3) #"), "SystemExit: 3"),
        (
            INVERT.format(name="x").replace("yield", "raise Mute() #") + MUTE,
            "Mute: its text cannot",
        ),
        ("raise ValueError('\x1b[31mred\x07')", "ValueError: \\x1b[31mred\\x07"),
        ("raise ValueError('x' * 10**6)", "ValueError: " + "x" * 1000 + "..."),
    ],
)
def test_a_broken_plugin_is_reported_by_name_and_the_rest_goes_on(install, caplog, source, reason):
    install("past-broken", source, version="0.3")
    install("past-invert", INVERT.format(name="invert"))
    registry = Registry()
    (broken,) = registry.broken
    assert (broken.distribution, broken.version) == ("past-broken", "0.3")
    assert reason in broken.reason
    assert "plugin of past-broken 0.3 failed to load" in caplog.text
    assert registry.find("translator", "invert")
    with pytest.raises(PluginError, match=r"past-broken 0\.3 failed to load: "):
        registry.find("translator", "x")


def test_a_broken_plugin_provides_nothing_by_halves(install):
    source = INVERT.format(name="whole") + (
        "\n@hookimpl\ndef past_metrics():\n    raise RuntimeError('half')\n"
    )
    install("past-half", source)
    with pytest.raises(PluginError, match="RuntimeError: half"):
        Registry().find("translator", "whole")


def test_external_plugins_can_be_left_out(install, monkeypatch):
    install("past-invert", INVERT.format(name="invert"))
    monkeypatch.setenv("PAST_DISABLE_EXTERNAL_PLUGINS", "1")
    registry = Registry()
    assert "invert" not in [one.spec.name for one in registry.all("translator")]
    assert registry.find("metric", "dice")


def test_a_class_that_cannot_be_imported_says_what_to_reinstall():
    registry = Registry({"past-lost": provides(translator("lost", module="nowhere_at_all"))})
    with pytest.raises(
        PluginError,
        match=r"translator 'lost' of past-lost 0 .*nowhere_at_all.*pip install 'past-lost'",
    ):
        registry.factory("translator", "lost")


def test_a_class_whose_module_fails_otherwise_says_so_too(tmp_path, monkeypatch):
    (tmp_path / "fails_late.py").write_text("raise OSError('libcudart.so: cannot open')")
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry({"past-late": provides(translator("late", module="fails_late"))})
    with pytest.raises(PluginError, match=r"past-late 0 .*OSError: libcudart\.so: cannot open"):
        registry.factory("translator", "late")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import sys; sys.exit('no licence')", "SystemExit: no licence"),
        ("raise GeneratorExit", "GeneratorExit: "),
        ("Invert = 1", "AttributeError: .* has no attribute 'ToyConfig'"),
        ("raise ValueError('[/int] [red]')", r"ValueError: \[/int\] \[red\]"),
        ("raise ValueError('\\x1b[31m')", r"ValueError: \\x1b\[31m"),
    ],
)
def test_a_class_that_ends_the_program_at_its_import_is_reported(
    tmp_path, monkeypatch, source, message
):
    (tmp_path / "ends_late.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "ends_late", raising=False)
    registry = Registry({"past-late": provides(translator("late", module="ends_late"))})
    with pytest.raises(PluginError, match=f"translator 'late' of past-late 0 .*{message}"):
        registry.config_class("translator", "late")


def test_what_a_hook_or_a_late_import_prints_is_not_for_programs(
    tmp_path, monkeypatch, capsys, toys
):
    (tmp_path / "prints_late.py").write_text(
        "print('late'); from tests.core.toys import Invert, ToyConfig"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "prints_late", raising=False)

    @hookimpl
    def past_translators():
        print("early")  # noqa: T201
        yield translator("loud", module="prints_late")

    registry = Registry({"past-loud": SimpleNamespace(past_translators=past_translators)})
    assert registry.factory("translator", "loud") is toys.Invert
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "early\nlate\n"


def test_a_late_import_that_takes_long_is_named(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("past_core.plugins.registry.LONG_PATIENCE", 0.05)
    (tmp_path / "slow_late.py").write_text(
        "import time; time.sleep(0.5); from tests.core.toys import Invert, ToyConfig"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "slow_late", raising=False)
    registry = Registry({"past-late": provides(translator("late", module="slow_late"))})
    registry.factory("translator", "late")
    assert "waiting for the plugin of past-late 0 to load" in caplog.text


def test_a_distribution_without_a_readable_name_or_list_stops_nothing(install):
    lost = install("past-nameless", INVERT.format(name="nameless"))
    next(lost.glob("*.dist-info/METADATA")).write_text("")
    odd = install("past-odd", INVERT.format(name="odd"))
    next(odd.glob("*.dist-info/entry_points.txt")).write_text("[past]\nno value\n")
    install("past-invert", INVERT.format(name="invert"))
    assert Registry().find("translator", "invert")


@pytest.mark.usefixtures("toys")
def test_wrong_settings_name_their_origin_key_and_the_known_keys():
    registry = Registry({"a": provides(translator("invert"))})
    with pytest.raises(ConfigError) as caught:
        registry.config("translator", "invert", {"stpes": 3, "steps": "many"}, "recipe.invert")
    assert "recipe.invert.stpes: unknown key. Known keys: steps." in str(caught.value)
    assert "recipe.invert.steps: " in str(caught.value)
    assert "got 'many'" in str(caught.value)


def test_what_a_plugin_prints_at_import_is_not_for_programs(install, capsys):
    install("past-loud", "print('hello')\n" + INVERT.format(name="loud"))
    assert Registry().find("translator", "loud")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "hello" in printed.err


def test_a_plugin_that_takes_long_is_named_while_it_is_waited_for(install, monkeypatch, caplog):
    monkeypatch.setattr("past_core.plugins.registry.PATIENCE", 0.05)
    install("past-slow", "import time; time.sleep(0.5)\n" + INVERT.format(name="slow"))
    install("past-quick", INVERT.format(name="quick"))
    assert Registry().find("translator", "slow")
    assert "waiting for the plugin of past-slow 1.2 to load" in caplog.text
    assert "past-quick" not in caplog.text
