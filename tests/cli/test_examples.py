"""Systems files that the docs speak of fit the plugins, the recipes and each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from past_cli.recipes import read_recipe
from past_cli.systems import find_systems
from past_core.pipeline import Request
from past_core.pipeline.settings import resolve
from past_core.plugins import Registry
from past_core.recipe import merged

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(ROOT.glob("examples/*.toml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("recipe", ["quick", "smoke"])
def test_an_example_is_valid_with_the_recipes(path, recipe, tmp_path):
    request = Request(tmp_path, systems=find_systems(str(path)), recipe=read_recipe(recipe))
    settings = resolve(request, Registry())
    for kind, name, own in settings.systems.uses():
        config = settings.choice(kind, name, own).config.model_dump()
        assert merged(config, own) == config, "the file's own settings hold"


def test_every_example_that_a_document_names_is_there():
    texts = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *EXAMPLES]
    named = {name for text in texts for name in re.findall(r"examples/\S+\.toml", text.read_text())}
    assert named
    assert named <= {
        f"examples/{path.relative_to(ROOT / 'examples')}"
        for path in (ROOT / "examples").rglob("*.toml")
    }
