"""No package reads files in a way that could run code which lies in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parents[1] / "packages"
ROUTES = {
    "unpickles": r"\bpickle\.loads?\(|\bload_pickle\(|\bUnpickler\(|\bread_pickle\(|\bjoblib\b",
    "allows pickles": r"allow_pickle\s*=\s*True",
    "loads any object with torch": (
        r"torch\.load\((?![^)]*weights_only=True)|weights_only\s*=\s*False"
    ),
    "loads YAML with tags": r"\byaml\.(unsafe_|full_)?load\(",
    "evaluates text": r"(?<![.\w])(eval|exec)\(",
    "opens Blosc2 arrays, which may hold functions": r"\bblosc2\.open\(|nnUNetDatasetBlosc2\(",
}


def found(text: str) -> set[str]:
    return {route for route, pattern in ROUTES.items() if re.search(pattern, text)}


@pytest.mark.parametrize(
    ("line", "route"),
    [
        ("state = pickle.load(file)", "unpickles"),
        ("np.load(path, allow_pickle=True)", "allows pickles"),
        ("torch.load(path)", "loads any object with torch"),
        ("torch.load(path, weights_only=False)", "loads any object with torch"),
        ("yaml.load(file)", "loads YAML with tags"),
        ("value = eval(text)", "evaluates text"),
        ("blosc2.open(urlpath=path)", "opens Blosc2 arrays, which may hold functions"),
    ],
)
def test_the_routes_are_seen(line, route):
    assert found(line) == {route}


def test_what_runs_no_code_is_let_through():
    assert not found("torch.load(path, weights_only=True); network.eval(); yaml.safe_load(file)")


def test_no_package_takes_such_a_route():
    sources = sorted(PACKAGES.rglob("*.py"))
    assert len(sources) > 200
    assert {path.name: routes for path in sources if (routes := found(path.read_text()))} == {}
