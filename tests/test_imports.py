"""Who may import whom, and how light the light parts are."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parents[1] / "packages"
OWN = ("past_core", "past_gan", "past_seg", "past_selftrain", "past_cli")
ALLOWED = {
    "past_core": set(),
    "past_gan": {"past_core"},
    "past_seg": {"past_core"},
    "past_selftrain": {"past_core"},
    "past_cli": {"past_core"},
}
HEAVY = {"torch", "monai", "nnunetv2", "torchvision"}


def sources(package):
    folder = PACKAGES / package.replace("_", "-") / "src" / package
    return sorted(folder.rglob("*.py"))


def imported(path):
    """Top-level packages that a file imports anywhere, also inside functions or for types."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", OWN)
def test_packages_import_no_sibling_but_those_allowed(package):
    assert sources(package), f"no source of {package} was found"
    wrong = {
        f"{path.relative_to(PACKAGES)} imports {name}"
        for path in sources(package)
        for name in imported(path)
        if name in set(OWN) - {package} - ALLOWED[package]
    }
    assert not wrong


@pytest.mark.parametrize("package", OWN)
def test_modules_of_a_package_do_not_import_each_other_in_a_circle(package):
    """Imports for types count too: a circle of them is one for whoever reads the code."""
    folder = PACKAGES / package.replace("_", "-") / "src"
    modules = {}
    for path in sources(package):
        dotted = ".".join(path.relative_to(folder).with_suffix("").parts)
        modules[dotted.removesuffix(".__init__")] = ast.parse(path.read_text(encoding="utf-8"))
    left = {}
    for module, tree in modules.items():
        named = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                # What is imported may be a module itself, or something in one.
                whole = {f"{node.module}.{alias.name}" for alias in node.names}
                inside = whole - modules.keys()
                named |= whole | ({node.module} if inside else set())
        left[module] = named & modules.keys() - {module}
    # Take away, again and again, what imports nothing that is left.
    while ready := {module for module, named in left.items() if not named}:
        left = {module: named - ready for module, named in left.items() if module not in ready}
    assert not left, "in a circle, or importing one that is"


def test_only_metrics_and_the_search_for_a_gpu_import_torch_or_monai():
    core = PACKAGES / "past-core" / "src" / "past_core"
    wrong = {
        f"{path.relative_to(core)} imports {name}"
        for path in sources("past_core")
        for name in imported(path)
        if name in HEAVY and path.parent.name != "metrics" and path.name != "device.py"
    }
    assert not wrong


def test_the_import_rule_sees_imports_in_functions_and_for_types(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(
        "import numpy as np\n"
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from past_seg.nnunet import trainer\n"
        "def late():\n    import past_gan.slices, torch\n"
        "from . import sibling\n"
    )
    assert {"past_seg", "past_gan", "torch"} < set(imported(path))


def heavy_after(code):
    """Heavy packages in a fresh interpreter after running ``code``."""
    report = f"import sys; print(*(name for name in {sorted(HEAVY)!r} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    "code",
    [
        "import past_core",
        "import past_core.plugin, past_gan.plugin, past_seg.plugin, past_selftrain.plugin",
        "from past_core.plugins import Registry; assert Registry().all('segmenter')",
        "import past_core.scoring, past_core.recipe, past_core.pipeline, past_core.testing",
        "import past_cli",
        "import past_selftrain.topq",
        "import past_core.datasets.crossmoda.edition2021, past_core.datasets.phantom.dataset",
    ],
)
def test_importing_brings_in_no_deep_learning_framework(code):
    assert heavy_after(code) == []


def test_using_a_plugin_brings_in_what_it_needs():
    code = "from past_core.plugins import Registry; Registry().factory('translator', 'nicegan')"
    assert heavy_after(code) == ["torch"]
