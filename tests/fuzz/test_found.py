"""What fuzzing found, each as the smallest input that it was found by."""

from __future__ import annotations

import json

import pytest

from past_core.config import PluginConfig, parse_config, read_toml
from past_core.datasets.bids import BidsConfig, BidsReader
from past_core.datasets.decathlon import DecathlonConfig, DecathlonReader
from past_core.errors import ConfigError, DataError, PastError
from past_core.exported import load_system
from past_core.pipeline import clean_run, open_run
from past_core.pipeline.selections import selections_of
from past_core.recipe import load_recipe, parse_assignments
from past_core.scoring import read_scores
from tests.core import trees
from tests.fuzz.runs import a_run, apply_run, packed, read_packed
from tests.fuzz.single_files import read_protocols, registry

DEEP = "[" * 100_000
LONG = "z" * 140_000


@pytest.mark.parametrize("word", ["a" + ".a" * 2000 + "=1", f"a=[{'[' * 60}{']' * 60}]"])
def test_settings_that_are_too_deep(word):
    with pytest.raises(ConfigError) as error:
        parse_assignments([f"segmenter.{word}"], {"segmenter": ["bayes"]})
    says(error, "--set 'segmenter.a", "nested too deeply")


class Numbers(PluginConfig):
    number: int = 1


def says(error, *parts):
    said = str(error.value)
    assert len(said) < 4000
    for part in parts:
        assert part in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a." * 3000 + "a = 1", "a key of so many parts"),  # took tomllib seconds, then minutes
        ("a = " + "[" * 60 + "]" * 60, "nested too deeply"),  # could not be copied or shown
        ("a = " + "9" * 5000, "not valid TOML"),
        ("a = " + "[" * 5000, "nested too deeply"),
        ("a = 0x" + "f" * 6000, "more than 64 bits"),  # could not be written into a message
    ],
)
def test_toml_that_cannot_be_worked_with(tmp_path, text, said):
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        read_toml(path, "recipe")
    says(error, "a.toml", said)


@pytest.mark.parametrize("name", [r"a\u0000b", "a" * 5000, r"a\nb"])
def test_a_recipe_that_extends_what_can_be_no_file(tmp_path, name):
    path = tmp_path / "a.toml"
    path.write_text(f'extends = "{name}"')
    with pytest.raises(ConfigError) as error:
        load_recipe(path)
    says(error, "a.toml", "extends is")


@pytest.mark.parametrize(
    "values",
    [
        {"number": "y" * 20_000},
        {"y" * 20_000: 1},
        {"number": [int("f" * 6000, 16)]},
        {f"key{n}": n for n in range(1000)},
    ],
)
def test_a_wrong_value_is_shown_as_far_as_one_can_read(values):
    with pytest.raises(ConfigError) as error:
        parse_config(Numbers, values, "here")
    says(error, "here")


def test_an_error_keeps_what_it_is_about_and_the_remedy():
    said = str(PastError(f"a.json: {LONG}. Delete it."))
    assert len(said) < 4000
    assert said.startswith("a.json")
    assert said.endswith("Delete it.")


@pytest.mark.parametrize("text", [LONG, "system,case\n", "\udcff", "a,b\n1,2,3\n"])
def test_tables_that_are_none(tmp_path, text):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError) as error:
        read_scores(path)
    says(error, "a.csv")
    (tmp_path / "infos.csv").write_bytes(path.read_bytes())
    with pytest.raises(ConfigError) as error:
        read_protocols(tmp_path / "infos.csv")
    says(error, "infos.csv", "[protocols]")


def test_a_listed_file_of_a_name_too_long_for_any(tmp_path):
    trees.decathlon(tmp_path)
    path = tmp_path / "Task02_T2/dataset.json"
    content = json.loads(path.read_text())
    content["test"] = [f"{'y' * 20_000}.nii.gz"]
    path.write_text(json.dumps(content))
    with pytest.raises(DataError) as error:
        DecathlonReader(DecathlonConfig()).open(tmp_path)
    says(error, "Task02_T2", "1 problem")


def test_a_row_with_too_many_cells(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("system,case,structure,metric,value\na,b,c,d,1,2\n")
    with pytest.raises(DataError, match=r"a\.csv: row 2 has more cells"):
        read_scores(path)


def test_lists_of_data_sets_that_are_too_deep(tmp_path):
    trees.decathlon(tmp_path)
    (tmp_path / "Task01_T1/dataset.json").write_text(DEEP)
    with pytest.raises(DataError) as error:
        DecathlonReader(DecathlonConfig(source="Task01_T1", target="Task02_T2")).open(tmp_path)
    says(error, "dataset.json", "nested too deeply")


@pytest.mark.parametrize(
    "content", [b"\x80", LONG.encode(), b"index\tname\n1\n", b"index\tname\nx\tball\n"]
)
def test_a_table_of_structures(tmp_path, content):
    trees.bids(tmp_path)
    (tmp_path / "derivatives/manual/dseg.tsv").write_bytes(content)
    with pytest.raises(DataError) as error:
        BidsReader(BidsConfig()).open(tmp_path)
    says(error, "dseg.tsv")


def test_a_description_that_is_too_deep_is_no_bids(tmp_path):
    trees.bids(tmp_path)
    (tmp_path / "dataset_description.json").write_text(DEEP)
    assert not BidsReader(BidsConfig()).recognises(tmp_path)


@pytest.fixture
def kept(tmp_path):
    """A finished run, to be damaged."""
    return a_run(tmp_path)


def change(folder, pattern, alter):
    (path,) = folder.glob(pattern)
    content = json.loads(path.read_text())
    alter(content)
    path.write_text(json.dumps(content))


def text(folder, pattern, content):
    (path,) = folder.glob(pattern)
    path.write_text(content)


@pytest.mark.parametrize(
    ("alter", "said"),
    [
        (lambda c: c.pop("stages"), "stages: Field required"),
        (lambda c: c.update(stages=[]), "stages: List should have"),  # clean removed everything
        (lambda c: c.update(stages=0.5), "stages: Input should be"),
        (lambda c: c["stages"].append("../../x"), "no plain name"),
        (lambda c: c["stages"].append("x" * 300), "no plain name"),  # "file name too long"
        (lambda c: c.update(systems=["a"]), "systems.0: Input should be"),
        (lambda c: c.update(labels=3), "labels: Input should be"),
        (lambda c: c.update(roi=[0, 1]), "roi: List should have"),
        (lambda c: c["cases"].pop("test"), "cases have no test"),
        (lambda c: c["translations"][0].pop("fit"), "translations.0.fit: Field required"),
    ],
)
def test_a_run_that_is_not_what_a_run_writes(kept, alter, said):
    change(kept, "run.json", alter)
    for read in (lambda: open_run(kept).systems, lambda: clean_run(kept)):
        with pytest.raises(DataError) as error:
            read()
        says(error, "run.json", said, "Run past-cli pipeline on this folder once more")
    assert (kept / "stages").is_dir()


@pytest.mark.parametrize(
    ("pattern", "alter", "read"),
    [
        ("stages/choose-*/choice.json", lambda c: c.pop("ranks"), lambda r: r.choices()),
        ("stages/choose-*/choice.json", lambda c: c.update(chosen="x"), lambda r: r.choices()),
        ("stages/trust-*/trust.json", lambda c: c.update(figures=[]), lambda r: r.trust()),
        ("stages/check-*/inventory.json", lambda c: c["files"].clear(), lambda r: r.inventory),
        ("stages/check-*/inventory.json", lambda c: c.update(cases=1), lambda r: r.references()),
        ("stages/select-*/selection.json", lambda c: c.update(cases=True), selections_of),
    ],
)
def test_a_stages_file_that_is_none(kept, pattern, alter, read):
    change(kept, pattern, alter)
    with pytest.raises(DataError) as error:
        read(open_run(kept))
    says(error, pattern.rpartition("/")[2], "Delete ")


def test_a_zip_file_whose_parts_lie_before_its_start(tmp_path):
    path = packed(tmp_path)
    content = bytearray(path.read_bytes())
    end = content.rindex(b"PK\x05\x06")
    content[end + 12 : end + 16] = (len(content) + 5000).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"kept\.zip: not a readable zip file"):
        read_packed(path)


def test_records_for_people(kept):
    text(kept, "stages/fit-aligned-*/record/plan.json", "[")
    with pytest.raises(DataError, match=r"plan\.json: not valid JSON"):
        open_run(kept).translations()
    text(kept, "stages/fit-aligned-*/record/losses.csv", "step,loss\n1,None\n")
    with pytest.raises(DataError, match=r"losses\.csv: could not convert"):
        list(open_run(kept).curves())
    (path,) = kept.glob("recipe.toml")
    path.write_bytes(b"\xff")
    with pytest.raises(DataError, match=r"recipe\.toml: cannot be read"):
        _ = open_run(kept).recipe


def test_a_manifest_of_other_kinds_tells_nothing(kept):
    count = len(open_run(kept).stages())
    change(kept, "stages/check-*/manifest.json", lambda c: c.update(wall_seconds="x"))
    assert len(open_run(kept).stages()) == count - 1


@pytest.mark.parametrize(
    "alter",
    [
        lambda c: c.clear(),
        lambda c: c.pop("roi"),
        lambda c: c.update(systems=1),
        lambda c: c["systems"].clear(),
        lambda c: c["models"].clear(),
        lambda c: c["systems"]["st1"]["448"].update(vs=["../../../elsewhere"]),
    ],
)
def test_a_run_that_cannot_be_applied(kept, alter):
    change(kept, "application.json", alter)
    with pytest.raises(DataError) as error:
        load_system(kept, registry=registry(), system="st1", device="cpu")
    says(error, str(kept))


def spoilt(content, name):
    """Copies in each of which one text, as a key or a value, is another."""
    if isinstance(content, dict):
        for key, value in content.items():
            rest = {k: v for k, v in content.items() if k != key}
            yield {**rest, name: value}
            yield from ({**rest, key: one} for one in spoilt(value, name))
    elif isinstance(content, list):
        for n, value in enumerate(content):
            yield from ([*content[:n], one, *content[n + 1 :]] for one in spoilt(value, name))
    elif isinstance(content, str):
        yield name


def test_a_run_of_names_that_are_no_text_is_applied_or_refused(kept):
    """UnicodeEncodeError, from names of files and from messages within pydantic."""
    path = kept / "application.json"
    refused = 0
    for content in [*spoilt(json.loads(path.read_text()), "a\ud800")]:
        path.write_text(json.dumps(content))
        try:
            apply_run(kept)
        except PastError:
            refused += 1
    assert refused > 20
