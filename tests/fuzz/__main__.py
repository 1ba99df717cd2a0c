"""Fuzz targets outside the test run: one process a target, and a table of what came of it.

::

    hatch run fuzz:hypothesis --inputs 10000
    hatch run fuzz:atheris --inputs 10000 recipe systems
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.all_targets import MODULES, targets_of

ROW = "{:<17} {:>7} {:>7} {:>8} {:>7} {:>6} {:>7}"
HEADINGS = ("target", "inputs", "refused", "accepted", "seconds", "MiB", "slowest")


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.split(":")[0])
    parser.add_argument("engine", choices=("hypothesis", "atheris"))
    parser.add_argument("--inputs", type=int, default=10_000, help="a target")
    parser.add_argument("targets", nargs="*", help="names; by default all")
    asked = parser.parse_intermixed_args()
    known = [target.name for module in MODULES for target in targets_of(module)]
    if unknown := set(asked.targets) - set(known):
        parser.error(f"no target {', '.join(unknown)}; there are {', '.join(known)}")
    sys.stdout.write(ROW.format(*HEADINGS) + "\n")
    failed = 0
    for name in asked.targets or known:
        failed += not _one(asked.engine, name, asked.inputs)
    return 1 if failed else 0


def _one(engine, name, inputs):
    """Fuzz a target in a process of its own; whether nothing was found."""
    with tempfile.TemporaryDirectory(prefix="past-fuzz-") as scratch:
        report = Path(scratch) / "report.json"
        command = [sys.executable, "-m", "tests.fuzz.process", engine, name, str(inputs), scratch]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if not report.is_file():
            sys.stdout.write(f"{name}: ended with {done.returncode}\n{done.stderr[-3000:]}\n")
            return False
        said = json.loads(report.read_text())
    cells = [said["refused"] + said["accepted"], said["refused"], said["accepted"]]
    cells += [f"{said['seconds']:.0f}", said["memory"], f"{said['slowest']:.2f} s"]
    sys.stdout.write(ROW.format(name, *cells) + "\n")
    for finding in said["findings"]:
        sys.stdout.write(f"  FOUND: {finding}\n")
    sys.stdout.flush()
    return not said["findings"]


if __name__ == "__main__":
    sys.exit(main())
