"""A data set, and a command that nothing happened to."""

from __future__ import annotations

import pytest

from tests.faults.commands import Toy, make_data
from tests.faults.moments import undisturbed_run


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """A toy command; its own run folder is the undisturbed one, and only read."""
    place = tmp_path_factory.mktemp("faults")
    return Toy(place / "place", make_data(place / "data"))


@pytest.fixture(scope="session")
def undisturbed(toy):
    return undisturbed_run(toy)
