"""The tutorial's commands, as they stand, one after the other; training is for a moment only."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from past_core.volume import Volume, load_volume, save_volume
from tests.integration.commands import ROOT, run_command, tiny_options

TEXT = (ROOT / "docs/tutorial.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, flags=re.DOTALL)
PHANTOM = ["source=3", "target=3", "test=2", "matrix=56", "slices=8"]
PLUGINS = [option for option in tiny_options("dataset") if option != "--set"]


def shim(folder: Path, command: Path) -> Path:
    """A ``past-cli`` that makes a smaller phantom and trains less, and else is the real one."""
    phantom = " ".join(f"--set {setting}" for setting in PHANTOM)
    smoke = " ".join(f"--set {setting}" for setting in PLUGINS)
    folder.mkdir()
    path = folder / "past-cli"
    path.write_text(
        f"""#!/bin/sh
case "$1" in
    phantom) set -- "$@" {phantom} ;;
    pipeline) set -- "$@" --recipe smoke --jobs 1 {smoke} ;;
esac
exec {command} "$@"
"""
    )
    path.chmod(0o755)
    return folder


def mix(work: Path) -> None:
    """Other orientations and types, as own folders have them: turned scans, ``.nii`` files."""
    for number in (1, 2):
        image, label = work / f"t1/crossmoda_{number}_ceT1", work / f"drawn/crossmoda_{number}-seg"
        turned = [
            load_volume(image.with_suffix(".nii.gz")),
            load_volume(label.with_suffix(".nii.gz")),
        ]
        for path, volume in zip((image, label), turned, strict=True):
            path.with_suffix(".nii.gz").unlink()
            affine = volume.affine.copy()
            affine[:3, 3] += affine[:3, 2] * (volume.shape[2] - 1)
            affine[:3, 2] *= -1
            swapped = Volume(volume.data[:, :, ::-1].transpose(1, 0, 2), affine[:, [1, 0, 2, 3]])
            save_volume(swapped, path.with_suffix(".nii" if number == 1 else ".nii.gz"))
    target = work / "t2/crossmoda_107_hrT2"
    save_volume(load_volume(target.with_suffix(".nii.gz")), target.with_suffix(".nii"))
    target.with_suffix(".nii.gz").unlink()


@pytest.mark.slow
def test_the_tutorial_works_as_it_is_written(past_cli, tmp_path):
    folder = shim(tmp_path / "bin", past_cli)
    python = Path(sys.executable).parent
    work = tmp_path / "work"
    work.mkdir()
    said = {}
    for number, (language, block) in enumerate(BLOCKS):
        path = f'export PATH="{folder}:{python}:{os.environ["PATH"]}"; set -e\n'
        script = block if language == "bash" else f"python - <<'END'\n{block}\nEND\n"
        said[number] = run_command("bash", "-c", path + script, cwd=work).stdout
        if not number:
            mix(work)
    everything = "\n".join(said.values())
    assert "crossmoda_1_ceT1.nii = crossmoda_1-seg.nii" in everything
    assert "Take final, which is" in everything
    assert len(list((work / "look").rglob("*.png"))) == 6
    # Named as the scans and on their grids.
    for place, scans in (("run/segmentations/final", "t2"), ("segmentations", "next-week")):
        for scan in sorted((work / scans).iterdir()):
            found = load_volume(work / place / scan.name, np.uint8)
            image = load_volume(scan)
            assert found.shape == image.shape
            assert np.allclose(found.affine, image.affine)
    first = load_volume(work / "segmentations/crossmoda_211_hrT2.nii.gz", np.uint8)
    assert np.array_equal(load_volume(work / "211.nii.gz", np.uint8).data, first.data)
    assert (work / "segmentations/crossmoda_211_hrT2_probabilities.npz").is_file()
    assert "crossmoda_212" in (work / "scores.csv").read_text()
