"""The built-in recipes fit the plugins they speak of."""

import pytest

from past_cli.recipes import FOLDER, find_recipe
from past_core.config import parse_config
from past_core.errors import ConfigError
from past_core.pipeline import PipelineConfig
from past_core.plugins import KINDS, Registry
from past_core.recipe import load_recipe


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_a_built_in_recipe_is_valid_for_every_plugin_it_names(path):
    recipe = load_recipe(path)
    assert recipe.summary
    parse_config(PipelineConfig, recipe.pipeline, "pipeline")
    registry = Registry()
    named = [(kind, name) for kind in KINDS for name in getattr(recipe, kind)]
    assert ("translator", "nicegan") in named
    assert ("segmenter", "resunet") in named
    for kind, name in named:
        registry.config(kind, name, recipe.values(kind, name), f"{kind}.{name}")


def test_a_recipe_can_be_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('summary = "mine"\n[pipeline]\nrounds = 1\n')
    assert load_recipe(find_recipe(str(path))).pipeline == {"rounds": 1}


def test_an_unknown_recipe_lists_the_known_ones():
    with pytest.raises(ConfigError, match=r"--recipe quik: neither .*\(long, quick, smoke\)"):
        find_recipe("quik")


def test_an_unknown_table_in_a_recipe_is_named(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[translatr.nicegan]\nsteps = 1\n")
    with pytest.raises(ConfigError, match=r"mine\.toml\.translatr: unknown key.*translator"):
        load_recipe(path)


def test_broken_toml_is_named(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[pipeline\n")
    with pytest.raises(ConfigError, match=r"mine\.toml: not valid TOML"):
        load_recipe(path)
