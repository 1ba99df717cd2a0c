"""A run's folder: what it may be, and that one data set is in it."""

from __future__ import annotations

import shutil

import pytest

from past_core import ConfigError, DataError
from past_core.pipeline.claimed import exclusive

SHORT = {"strategy": "none", "until": "translate"}


def stages(run):
    return {stage.folder for stage in run.stages()}


def test_another_data_set_in_the_folder_of_a_run_is_refused(run, request_of, phantom_of):
    first, _ = run(request_of(**SHORT))
    record = (first.folder / "run.json").read_bytes()
    other = phantom_of(seed=5)
    for _ in range(2):  # the refused one leaves nothing that lets it pass the next time
        with pytest.raises(ConfigError) as caught:
            run(request_of(data=other, **SHORT))
        for part in (str(other), str(request_of().data), "--other-data"):
            assert part in str(caught.value)
    assert (first.folder / "run.json").read_bytes() == record
    second, _ = run(request_of(data=other, other_data=True, **SHORT))
    assert str(other) in (second.folder / "run.json").read_text()
    kept = {path.name for path in (first.folder / "stages").iterdir()}
    assert kept >= stages(first) | stages(second)
    assert stages(first) != stages(second)


def test_a_data_set_that_has_moved_and_changed_a_little_is_the_same(
    run, request_of, phantom_folder, tmp_path
):
    first, _ = run(request_of(**SHORT))
    moved = shutil.copytree(phantom_folder, tmp_path / "moved")
    for path in (*moved.glob("target_training/*_106_*"), *moved.glob("target_oracle/*_106_*")):
        path.unlink()
    second, _ = run(request_of(data=moved, **SHORT))
    assert len(second.record["cases"]["target"]) == len(first.record["cases"]["target"]) - 1


def test_a_data_set_that_was_exported_anew_in_its_place_is_the_same(
    run, request_of, phantom_of, tmp_path
):
    place = shutil.copytree(phantom_of(seed=5), tmp_path / "place")
    first, _ = run(request_of(data=place, **SHORT))
    shutil.rmtree(place)
    shutil.copytree(request_of().data, place)
    second, _ = run(request_of(data=place, **SHORT))
    assert stages(first) != stages(second)


def test_a_run_in_the_folder_of_its_data_is_refused(run, request_of, phantom_folder):
    before = sorted(phantom_folder.rglob("*"))
    with pytest.raises(ConfigError, match="is the folder of the data"):
        run(request_of(folder=phantom_folder / "target_training" / ".."))
    assert sorted(phantom_folder.rglob("*")) == before


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/run", "long"])
def test_a_folder_that_cannot_be_made_is_named(tmp_path, place):
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / (place.replace("long", "x" * 300))
    with (
        pytest.raises(ConfigError, match=r"cannot be written to .*--out"),
        exclusive(folder),
    ):
        pass


def test_the_lock_is_held_within_and_given_back(tmp_path):
    with exclusive(tmp_path), pytest.raises(DataError, match="another run"), exclusive(tmp_path):
        pass
    with exclusive(tmp_path):
        pass
