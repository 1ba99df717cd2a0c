"""One target, fuzzed in this process: ``python -m tests.fuzz.process ENGINE TARGET INPUTS FOLDER``.

``report.json`` in the folder gets the figures.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from pathlib import Path

PACKAGES = ["past_core", "past_gan", "past_seg"]


def main():
    engine, name, inputs, folder = sys.argv[1:]
    os.environ["OMP_NUM_THREADS"] = "1"
    tempfile.tempdir = folder
    if engine == "atheris":
        _by_atheris(name, int(inputs), Path(folder))
    else:
        _by_hypothesis(name, int(inputs), Path(folder))


def _prepared(name, folder):
    from tests.fuzz.all_targets import find_target
    from tests.fuzz.target import Prepared

    return Prepared(find_target(name), folder / "root")


def _by_hypothesis(name, inputs, folder):
    from tests.fuzz.engine import by_hypothesis
    from tests.fuzz.target import WrongAnswerError

    prepared = _prepared(name, folder)
    start, findings = time.perf_counter(), []
    try:
        by_hypothesis(prepared, inputs)
    except WrongAnswerError as error:
        findings.append(f"{error} ({'; '.join(getattr(error, '__notes__', ()))[-200:]})")
    _write(prepared, folder, start, findings)


def _by_atheris(name, inputs, folder):
    """Led by which lines of our packages an input comes to; libFuzzer makes up the choices."""
    import atheris

    with atheris.instrument_imports(include=PACKAGES):
        prepared = _prepared(name, folder)
    from tests.fuzz.engine import FromBytes
    from tests.fuzz.target import WrongAnswerError

    start, findings = time.perf_counter(), []

    def attempt(content):
        try:
            prepared.attempt(FromBytes(content))
        except WrongAnswerError as error:
            findings.append(f"{error} (choices {content.hex()[:200]})")
        if findings or sum(prepared.counts.values()) >= inputs:
            _write(prepared, folder, start, findings)
            os._exit(0)  # libFuzzer gives control back in no other way

    # Of 4 kB, so that most inputs have bytes for all choices.
    atheris.Setup(["fuzz", "-max_len=4096", "-len_control=0", "-seed=1"], attempt)
    atheris.Fuzz()


def _write(prepared, folder, start, findings):
    said = {
        **prepared.counts,
        "seconds": time.perf_counter() - start,
        "memory": prepared.most,
        "slowest": prepared.slowest,
        "findings": findings,
    }
    (folder / "report.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main()
