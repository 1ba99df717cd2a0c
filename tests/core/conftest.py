"""Toy plugins, reachable without a package of tests."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def toys():
    """The module ``toys.py`` beside this file."""
    path = Path(__file__).with_name("toys.py")
    spec = importlib.util.spec_from_file_location("core_toys", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["core_toys"] = module
    spec.loader.exec_module(module)
    return module
