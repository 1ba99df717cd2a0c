"""Toy plugins for the tests of registry and conformance suite."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def toys():
    """The module ``toys.py`` beside this file."""
    from tests.core import toys

    return toys
