"""Recipes, systems files and options that ask for what cannot be."""

from __future__ import annotations

import numpy as np

from past_core.volume import Volume, load_volume, save_volume
from tests.answers.place import TOYS, Place, wrong


def option(name: str, options: list[str], *says: str, code: int = 1, toys: bool = True) -> None:
    """Enter a case of options of a run."""

    def spoil(place: Place):
        if toys:
            return place.pipeline(*options)
        return ["pipeline", "--data", place.data, "--out", "run", *options]

    wrong("options", name, *says, code=code)(spoil)


def setting(name: str, value: str, *says: str, code: int = 1) -> None:
    """Enter a case of one ``--set``, of the plugins that are the defaults."""
    option(name, ["--set", value], *says, code=code, toys=False)


option("an unknown one", ["--translater", "x"], "No such option", code=2)
option("a number that is none", ["--rounds", "two"], "--rounds", code=2)
option("a number out of range", ["--rounds", "21"], "0<=x<=20", code=2)
option("a seed below zero", ["--seed", "-1"], "--seed", code=2)
option("no job at a time", ["--jobs", "0"], "--jobs", code=2)
option("a million threads", ["--threads", "1000000"], "--threads")
option("a million jobs", ["--jobs", "1000000"], "--jobs")
option("a device that is none", ["--device", "gpu"], "neither auto, cpu, cuda nor cuda:N")
option("a device that is not there", ["--device", "cuda:99"], "'cuda:99' is not there")
option("rounds without a strategy", ["--strategy", "none", "--rounds", "2"], "--rounds")
option(
    "a translator's name misspelt",
    ["--translator", "nicegna"],
    "Did you mean 'nicegan'?",
    toys=False,
)
option(
    "a segmenter's name misspelt",
    ["--segmenter", "resunett"],
    "Did you mean 'resunet'?",
    toys=False,
)
option("a strategy's name misspelt", ["--strategy", "topq"], "Did you mean 'top-q'?", toys=False)
option("a layout's name misspelt", ["--dataset", "datalst"], "Did you mean 'datalist'?")
option("a metric's name misspelt", ["--metric", "dicee"], "Did you mean 'dice'?")
option("a system that is not there", ["--system", "best"], "no system is named best")
option(
    "a translator named by a path",
    ["--translator", "../x"],
    "no translator is named '../x'",
    toys=False,
)
option("the oracle without labels", ["--oracle"], "oracle trains on target labels")
option("probabilities of an unknown kind", ["--probabilities", "full"], "--probabilities", code=2)
option("structures of a data set that names its own", ["--labels", "a=1"], "--labels", code=2)

setting("a setting without value", "translator.iterations", "expected KEY=VALUE")
setting("a setting without key", "=3", "=3")
setting("a setting of nobody", "translater.iterations=3", "translater", "Did you mean")
setting("a setting misspelt", "translator.chanels=8", "translator.nicegan.chanels: unknown key")
setting("a setting of another type", "translator.channels=many", "translator.nicegan.channels")
setting("a setting below its range", "translator.channels=-8", "translator.nicegan.channels")
setting("iterations below none", "segmenter.iterations=-1", "segmenter.resunet.iterations")
setting("iterations beyond all time", "translator.iterations=1e30", "translator.nicegan.iterations")
setting("a learning rate that is no number", "segmenter.learning_rate=nan", "learning_rate")
setting("a learning rate without end", "segmenter.learning_rate=inf", "learning_rate")
setting("a crop larger than the slices", "translator.crop=512", "crop")
setting("a batch of 100 000", "translator.batch_size=100000", "batch_size")
setting("a value of 100 000 levels", "translator.crop=" + "[" * 100_000, "translator.nicegan.crop")
setting(
    "a table in a number's place", "translator.iterations={a=1}", "translator.nicegan.iterations"
)
setting("a key of 5000 levels", "translator." + ".".join("x" * 5000) + "=1", "nested too deeply")
setting("a region without structures", "crop.roi.lower=[0.7, 0.7, 0]", "leaves out all of bright")


def recipe(name: str, content: str | bytes, *says: str) -> None:
    """Enter a case of a recipe's content."""

    def spoil(place: Place):
        path = place.written("my.toml", content)
        return ["pipeline", "--data", place.data, "--out", "run", "--recipe", path]

    wrong("recipes", name, "my.toml" if isinstance(content, bytes) else "", *says)(spoil)


recipe("a plugin's name misspelt", "[segmenter.restunet]\niterations = 9\n", "restunet", "resunet")
recipe("a kind's name misspelt", "[segmentor.resunet]\niterations = 9\n", "segmentor", "segmenter")
recipe("a setting misspelt", "[segmenter.resunet]\niteration = 9\n", "segmenter.resunet.iteration")
recipe(
    "a wrong setting of a plugin that is not used",
    "[segmenter.nnunet]\niterations = -9\n",
    "nnunet",
)
recipe("no TOML", "[segmenter\n", "my.toml")
recipe("a key twice", "[crop]\n[crop]\n", "my.toml")
recipe("not UTF-8", b"# gr\xfc\xdfe\n", "UTF-8")
recipe("UTF-16", "[crop]\n".encode("utf-16"), "UTF-8")
recipe("binary", bytes(range(256)))
recipe("JSON", '{"segmenter": {}}', "my.toml")
recipe("100 000 levels", "x = " + "[" * 100_000 + "]" * 100_000, "my.toml")
recipe("extends itself", 'extends = "my.toml"\n', "extends")
recipe("extends what is not there", 'extends = "quik"\n', "quik")
recipe("a number where a table is due", "segmenter = 3\n", "segmenter")
recipe("a system in it", "[[system]]\nname = 'x'\n", "system")


@wrong("recipes", "a file that is not there", "neither a built-in recipe")
def _(place: Place):
    return place.pipeline("--recipe", "nowhere.toml")


@wrong("recipes", "a folder", "my.toml")
def _(place: Place):
    (place.folder / "my.toml").mkdir()
    return place.pipeline("--recipe", "my.toml")


@wrong("recipes", "a device without end", "zero")
def _(place: Place):
    (place.folder / "zero.toml").symlink_to("/dev/zero")
    return place.pipeline("--recipe", "zero.toml")


def systems(name: str, content: str | bytes, *says: str) -> None:
    """Enter a case of a systems file's content."""

    def spoil(place: Place):
        path = place.written("my.toml", content)
        return ["pipeline", "--data", place.data, "--out", "run", "--systems", path]

    wrong("systems files", name, *says)(spoil)


PARTS = """
[[translation]]
name = "aligned"
plugin = "match"
[[model]]
name = "m"
plugin = "bayes"
images = ["aligned"]
[[system]]
name = "s"
answers = ["m"]
"""
systems("empty", "", "my.toml")
systems("no TOML", "[[model]\n", "my.toml")
systems("not UTF-8", b"# \xff\n", "UTF-8")
systems("an unknown table", "[[modle]]\nname = 'x'\n", "modle")
systems("a part without name", "[[model]]\nplugin = 'bayes'\n", "name")
systems("parts that are numbers", "model = [1, 2]\n", "model")
systems("a name that leads elsewhere", PARTS.replace('"m"', '"../m"'), "../m")
systems("a name of 300 characters", PARTS.replace('"m"', f'"{"m" * 300}"'), "mmm")
systems("a name twice", PARTS + PARTS, "")
systems(
    "a model of images that are not there", PARTS.replace('["aligned"]', '["nothing"]'), "nothing"
)


@wrong("systems files", "that is not there", "neither built in")
def _(place: Place):
    return place.pipeline("--systems", "table2")


@wrong("systems files", "a plugin to be replaced is not in it", "have no segmenter unet")
def _(place: Place):
    return ["pipeline", "--data", place.data, "--systems", "table1", "--segmenter", "unet=resunet"]


@wrong("systems files", "a protocol that no scan has", "no target scans of protocol '448'")
def _(place: Place):
    return ["pipeline", "--data", place.data, "--out", "run", "--systems", "table1"]


def out(name: str, *says: str):
    """Enter a case of where a run is to be written."""
    return wrong("--out", name, *says)


def into(place: Place, folder: object) -> list[object]:
    """A run that is to be written there."""
    return ["pipeline", "--data", place.data, "--out", folder, *TOYS]


@out("the folder of the data", "that is the folder of the data")
def _(place: Place):
    return into(place, place.data)


@wrong("--out", "a file", "is a file", code=2)
def _(place: Place):
    return into(place, place.image)


@out("below a file", "cannot be written")
def _(place: Place):
    return into(place, place.image / "run")


@out("in /proc", "cannot be written")
def _(place: Place):
    return into(place, "/proc/run")


@out("a name of 300 characters", "cannot be written")
def _(place: Place):
    return into(place, "x" * 300)


@out("a path of 5000 characters", "Choose another folder")
def _(place: Place):
    return into(place, "/".join(["x" * 99] * 50))


@out("a run on other data", "holds a run on", "--other-data")
def _(place: Place):
    place.run.rename(place.folder / "there")
    for number, path in enumerate(place.data.glob("*.nii.gz")):
        found = load_volume(path)
        save_volume(Volume(np.roll(found.data, 1 + number), found.affine), path)
    return [*place.pipeline(), "--out", "there"]


@out("a run that another process writes", "another run is using this folder")
def _(place: Place):
    from filelock import FileLock

    (place.folder / "run").mkdir()
    # Held by this process for as long as the case lasts.
    HELD.append(FileLock(place.folder / "run/.lock"))
    HELD[-1].acquire(timeout=0)
    return place.pipeline()


HELD: list[object] = []


def other(name: str, arguments: list[str], *says: str, code: int = 1) -> None:
    """Enter a case of another command; ``@x`` is a part of the place."""

    def spoil(place: Place):
        (place.folder / "empty").mkdir()
        (place.folder / "file").write_text("text")
        return [getattr(place, one[1:]) if one.startswith("@") else one for one in arguments]

    wrong("other commands", name, *says, code=code)(spoil)


for _command in ("show", "clean", "compare", "rank"):
    other(f"{_command} what is not there", [_command, "nowhere"], "nowhere", code=2)
    other(f"{_command} an empty folder", [_command, "empty"], "empty", "run")
    other(f"{_command} a file", [_command, "file"], "is a file", code=2)
other("export an empty folder", ["export", "empty", "new"], "empty", "run")
other("export into a folder that is there", ["export", "@run", "empty/.."], "..")
other("export a system that is not there", ["export", "@run", "new", "--system", "x"], "x")
other("predict with an empty folder", ["predict", "empty", "@image", "new"], "empty")
other("predict with a file", ["predict", "file", "@image", "new"], "file")
other("predict no scan", ["predict", "@kept", "empty", "new"], "empty")
other("predict what is not there", ["predict", "@kept", "nowhere.nii.gz", "new"], "nowhere")
other("predict text", ["predict", "@kept", "file", "new"], "file")
other("predict onto the scans", ["predict", "@kept", "@data", "@data"], "data")
other(
    "evaluate what is not there",
    ["evaluate", "nowhere", "@data", "--labels", "a"],
    "nowhere",
    code=2,
)
other("evaluate without structures", ["evaluate", "@data", "@data"], "--labels", code=2)
other("evaluate empty folders", ["evaluate", "empty", "empty", "--labels", "a"], "empty")
other("evaluate by scans", ["evaluate", "@data", "@data", "--labels", "a"], "_image.nii.gz")
other("plugins of an unknown name", ["plugins", "nicgan"], "no plugin is named 'nicgan'", code=2)
other("systems of an unknown name", ["systems", "tabel1"], "table1")
other("phantom onto a file", ["phantom", "file"], "file", code=2)
other("phantom into a folder of others' files", ["phantom", "."], ".")
other("phantom of no scan", ["phantom", "new", "--set", "source=0"], "source")
other("phantom beyond all memory", ["phantom", "new", "--set", "matrix=100000"], "matrix")
other("no command", ["pipelin"], "No such command", code=2)
other("compare with a run that has no scores", ["compare", "@run", "@unscored"], "no scores")
