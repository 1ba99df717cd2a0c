"""One thread for every library: the networks here are tiny, and waiting threads cost more."""

import os

import pytest
from hypothesis import settings

# The same examples each time, however busy the machine.
settings.register_profile("past", derandomize=True, deadline=None)
settings.load_profile("past")

# Before torch is imported; commands that tests start inherit both.
os.environ["OMP_NUM_THREADS"] = "1"
# On a CPU with AMX each training would first try its convolutions in a process of its own.
# ONEDNN_MAX_CPU_ISA=ALL lets the tests use AMX, and those run that are about it.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_FP16")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put runs of the whole program first: last, the longest would leave a worker idle."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/integration/"))
