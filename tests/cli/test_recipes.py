"""The built-in recipes fit the plugins they speak of."""

import pytest

from past_cli.recipes import FOLDER, find_recipe, read_recipe
from past_core.errors import ConfigError
from past_core.plugins import KINDS, Registry
from past_core.recipe import load_recipe


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_a_built_in_recipe_is_valid_for_every_plugin_it_names(path):
    recipe = read_recipe(path.stem)
    assert recipe.summary
    registry = Registry()
    named = [(kind, name) for kind in KINDS for name in getattr(recipe, kind)]
    assert ("translator", "nicegan") in named
    assert ("segmenter", "resunet") in named
    for kind, name in named:
        registry.config(kind, name, recipe.values(kind, name), f"{kind}.{name}")


def test_a_recipe_can_be_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('summary = "mine"\n[strategy.top-q]\nq = 0.5\n')
    assert read_recipe(str(path)).strategy == {"top-q": {"q": 0.5}}


def test_a_recipe_may_extend_another(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('extends = "quick"\n[translator.nicegan]\niterations = 7\n')
    mine, quick = read_recipe(str(path)), read_recipe("quick")
    assert mine.translator["nicegan"] == quick.translator["nicegan"] | {"iterations": 7}
    assert mine.segmenter == quick.segmenter


def test_recipes_that_extend_each_other_are_refused(tmp_path):
    for one, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{one}.toml").write_text(f'extends = "{other}"\n')
    with pytest.raises(ConfigError, match=r"a\.toml: extends b|b\.toml: extends a"):
        read_recipe(str(tmp_path / "a.toml"))


def test_an_unknown_recipe_lists_the_known_ones():
    with pytest.raises(
        ConfigError, match=r"--recipe quik: neither .*\(long, paper, paper2022, quick, smoke\)"
    ):
        find_recipe("quik")


def test_an_unknown_table_in_a_recipe_is_named(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[translatr.nicegan]\nsteps = 1\n")
    with pytest.raises(ConfigError, match=r"mine\.toml\.translatr: unknown key.*translator"):
        load_recipe(path)


def test_broken_toml_is_named(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[segmenter\n")
    with pytest.raises(ConfigError, match=r"mine\.toml: not valid TOML"):
        load_recipe(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'summary = "\xff"', r"not UTF-8 .* Save the recipe as UTF-8"),
        (b"\xff\xfea\x00", "not UTF-8"),
        (b"x = " + b"[" * 5000, "is nested too deeply for a recipe"),
        (b"", None),
    ],
)
def test_a_file_that_is_no_text_is_named(tmp_path, content, message):
    path = tmp_path / "mine.toml"
    path.write_bytes(content)
    if message is None:
        assert load_recipe(path).segmenter == {}
        return
    with pytest.raises(ConfigError, match=rf"mine\.toml: {message}"):
        load_recipe(path)
