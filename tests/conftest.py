"""One thread for every library: the networks here are tiny, and waiting threads cost more."""

import os

# Before torch is imported; commands that tests start inherit it.
os.environ["OMP_NUM_THREADS"] = "1"
