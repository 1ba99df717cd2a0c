"""What a systems file may say, and which settings hold."""

from __future__ import annotations

import pytest

from past_core.errors import ConfigError, PluginError
from past_core.pipeline import chain, dump_systems, run_pipeline
from past_core.pipeline.address import Address
from past_core.pipeline.settings import resolve
from past_core.plugins import MetricSpec, Registry, hookimpl
from past_core.recipe import Recipe
from tests.core.pipeline.toys import DataSets, Plugins

GOOD = """
    [[translation]]
    name = "aligned"
    translator = "match"
    each = "protocol"

    [[model]]
    name = "adapted"
    segmenter = "bayes"
    each = "protocol"
    images = [{ from = "aligned" }]
    settings = { smoothing = 3.0 }
    [[model.round]]
    repeat = 2
    strategy = "keep"
    images = [{ from = "aligned" }, { from = "target" }]

    [[system]]
    name = "both"
    use = ["adapted", "adapted/0"]
    structures = { vs = { "448" = "adapted@384", "384" = ["adapted/1", "adapted#0"] } }
"""


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("nnunet", Address("nnunet")),
        ("nnunet@448", Address("nnunet", "448")),
        ("nnunet@1.5T/0", Address("nnunet", "1.5T", 0)),
        ("nnunet/2#1", Address("nnunet", None, 2, 1)),
    ],
)
def test_addresses_are_read_and_written(text, address):
    assert Address.parse(text, "here") == address
    assert str(address) == text


@pytest.mark.parametrize("text", ["", "@448", "nnunet/last", "nnunet#x", "a/1/2"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ConfigError, match=r"here: '.*' is no address"):
        Address.parse(text, "here")


def test_a_file_is_the_same_when_written_and_read(systems_of):
    systems = systems_of(GOOD)
    assert systems_of(dump_systems(systems)) == systems
    assert systems_of(dump_systems(chain())) == chain()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"aligned" }]\n    settings', '"alined" }]\n    settings', "'alined' is no translation"),
        ('name = "adapted"', 'name = "ALIGNED"', "aligned is named twice"),
        ('name = "adapted"', 'name = "target"', "'target' is reserved"),
        ('name = "adapted"', 'name = "a@b"', "letters, digits and"),
        ('name = "adapted"', 'name = "adapted-st1"', "reserved for rounds and seeds"),
        ('"adapted/0"]', '"adapted/3"]', "adapted has rounds 0 to 2"),
        ('"adapted/0"]', '"adapted#1"]', "adapted has seeds 0"),
        ('"adapted/0"]', '"other"]', "'other': no such model; there are adapted"),
        ('["adapted", "adapted/0"]', "[]", "system both: names no model"),
        ('{ from = "target" }]', '{ from = "target", labels = "keep" }]', "no true labels to keep"),
        ('{ from = "target" }]', '{ from = "target", labels = "true" }]', "say 'keep'"),
        ('{ from = "target" }]', '{ from = "target", copies = 1 }]', "labelled source scans only"),
        ('{ from = "target" }]', '{ from = "target", share = 1.0 }]', "leaves nothing for"),
        ('[{ from = "aligned" }]', '[{ from = "aligned", share = 0.5 }]', r"0\.5, not to 1"),
        ('[{ from = "aligned" }]', '[{ from = "target" }]', "no labels before the first round"),
        ('[{ from = "aligned" }]', '[{ from = "aligned", labels = "keep" }]', "is for rounds"),
        ("repeat = 2", "repeats = 2", r"repeats: unknown key. Known keys: images, labelling"),
        ("[{ from", "[{ form", r"images\.0\.form: unknown key. Known keys: .*from"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_named(systems_of, old, new, message):
    assert old in GOOD
    with pytest.raises((ConfigError, ValueError), match=message):
        systems_of(GOOD.replace(old, new, 1))


class TestPrecedence:
    @pytest.fixture
    def config_of(self, request_of, registry, systems_of):
        def find(smoothing=None, *assignments):
            recipe = Recipe() if smoothing is None else with_smoothing(smoothing)
            plain = {"translator": None, "segmenter": None, "strategy": None}
            systems = systems_of(GOOD)
            settings = resolve(
                request_of(systems=systems, recipe=recipe, assignments=assignments, **plain),
                registry,
            )
            own = systems.model[0].settings
            return [
                settings.choice("segmenter", "bayes", values).config.smoothing
                for values in ({}, own)
            ]

        def with_smoothing(value):
            return Recipe(segmenter={"bayes": {"smoothing": value}})

        return find

    def test_the_recipe_wins_over_defaults_and_the_systems_file_over_it(self, config_of):
        assert config_of() == [1.0, 3.0]
        assert config_of(2.0) == [2.0, 3.0]

    @pytest.mark.parametrize("key", ["segmenter.smoothing", "segmenter.bayes.smoothing"])
    def test_an_assignment_wins_over_both(self, config_of, key):
        assert config_of(2.0, f"{key}=4") == [4.0, 4.0]


def test_plugins_are_put_in_the_places_of_a_files_own(request_of, registry, systems_of):
    systems = systems_of(GOOD)

    def resolved(**changes):
        plain = {"translator": None, "segmenter": None, "strategy": None, "systems": systems}
        return resolve(request_of(**(plain | changes)), registry).systems

    assert resolved(segmenter="smooth").model[0].segmenter == "smooth"
    assert resolved(segmenter="bayes=smooth").model[0].settings == {}, "of another plugin"
    assert resolved(segmenter="bayes=bayes").model[0].settings == {"smoothing": 3.0}
    assert len(resolved(rounds=3).model[0].rounds) == 3
    for option in ({"rounds": 0}, {"strategy": "none"}):
        with pytest.raises(ConfigError, match="self-training is part of this systems file"):
            resolved(**option)


def names(systems):
    return [system.name for system in systems.system]


def test_without_a_translator_the_chain_trains_on_source_scans():
    systems = chain(None, "bayes", None, looks=None)
    assert names(systems) == ["no-da"]
    assert systems.translation == ()
    with_rounds = chain(None, "bayes", "keep", 2, looks=None)
    assert names(with_rounds) == ["no-da", "st1", "st2", "final"]
    assert with_rounds.find_system("final").choose == ("no-da", "st1", "st2")


def test_the_chain_ends_with_a_choice_among_looks_translations_and_rounds():
    systems = chain("match", "bayes", "keep", 1, looks="sharpness", edges=None)
    lines = ("translated", "st1", "source-looks", "translated-looks", "looks-st1")
    assert names(systems) == ["no-da", *lines, "final"]
    assert systems.find_system("final").choose == lines
    uses = ("bayes/0", "bayes/1", "source-looks/0", "translated-looks/0", "translated-looks/1")
    assert tuple(systems.find_system(name).use for name in lines) == uses
    seen = {
        model.name: ([i.origin for i in model.images], model.settings, model.start, model.rounds)
        for model in systems.model
    }
    rounds = systems.find_model("bayes").rounds
    assert [image.origin for image in rounds[0].images] == ["aligned", "target"]
    assert seen == {
        "no-da": (["source"], {}, None, ()),
        "bayes": (["aligned"], {}, None, rounds),
        "source-looks": (["source"], {"sharpness": 0.5}, None, ()),
        "translated-looks": (["aligned"], {"sharpness": 0.5}, "source-looks", rounds),
    }


def test_the_last_line_of_the_chain_may_learn_from_the_target_alone_if_the_image_decides():
    def rounds(translator, looks):
        systems = chain(translator, "bayes", "bright", 2, looks=looks, edges="bright")
        return {
            model.name: [({i.origin: i.unless for i in one.images}, one.settings)]
            for model in systems.model
            for one in model.rounds
            if one == model.rounds[0] and len(model.rounds) == 2
        }

    alone = [({"aligned": "alone", "target": None}, {"bright": 3.0})]
    both = [({"aligned": None, "target": None}, {})]
    assert rounds("match", "sharpness") == {"bayes": both, "translated-looks": alone}
    assert rounds("match", None) == {"bayes": alone}
    untranslated = [({"source": None, "target": None}, {})]
    assert rounds(None, "sharpness") == {"no-da": untranslated, "source-looks": untranslated}


def test_the_chains_choice_is_among_what_there_is():
    plain = chain("match", "bayes", None, looks=None)
    assert names(plain) == ["no-da", "translated", "final"]
    assert plain.find_system("final").choose == ("no-da", "translated")
    alone = chain(None, "bayes", None, looks="sharpness")
    assert names(alone) == ["no-da", "source-looks", "final"]
    assert alone.find_system("final").choose == ("no-da", "source-looks")
    rounds = chain(None, "bayes", "keep", 1, looks="sharpness")
    assert rounds.find_system("looks-st1").use == "source-looks/1"
    still = chain("match", "bayes", None, looks="sharpness")
    assert names(still) == ["no-da", "translated", "source-looks", "translated-looks", "final"]


START = GOOD.replace(
    "[[system]]",
    """[[model]]
    name = "further"
    segmenter = "bayes"
    each = "protocol"
    start = "adapted"
    images = [{ from = "aligned" }]
    [[system]]
    name = "further"
    use = "further"
    [[system]]""",
)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"adapted"\n    images',
            '"adaptd"\n    images',
            "no model 'adaptd' before it; .* adapted",
        ),
        ('"adapted"\n    images', '"further"\n    images', "no model 'further' before it"),
        ('each = "protocol"\n    start', "start", "'adapted' has another each, protocol and not"),
        (
            '"bayes"\n    each = "protocol"\n    start',
            '"smooth"\n    each = "protocol"\n    start',
            "'adapted' has another segmenter, bayes and not smooth",
        ),
        ("    start", "    seeds = [1]\n    start", "'adapted' has another seeds"),
    ],
)
def test_a_start_that_a_model_cannot_have_is_refused(systems_of, old, new, message):
    systems_of(START)
    assert old in START
    with pytest.raises(ConfigError, match=f"model further, start: {message}"):
        systems_of(START.replace(old, new))


def test_what_starts_from_a_model_that_saw_target_labels_is_an_upper_bound(systems_of):
    text = START.replace(
        'images = [{ from = "aligned" }]\n    settings',
        'images = [{ from = "target", labels = "true" }]\n    settings',
    )
    for content, supervised in ((START, False), (text, True)):
        systems = systems_of(content)
        assert systems.supervised(systems.find_system("further")) == supervised


def test_the_chain_asks_the_segmenter_for_its_setting_of_random_looks(request_of, registry):
    def resolved(segmenter):
        return resolve(request_of(segmenter=segmenter), registry).systems

    assert "source-looks" not in names(resolved("bayes"))
    settings = {model.name: model.settings for model in resolved("smooth").model}
    assert settings["source-looks"] == settings["translated-looks"] == {"smoothing": 0.5}
    assert settings["no-da"] == settings["smooth"] == {}


def test_the_chain_asks_the_strategy_for_its_setting_of_edges(request_of, registry):
    def settings(strategy):
        request = request_of(segmenter="bayes", strategy=strategy)
        (model,) = (one for one in resolve(request, registry).systems.model if one.rounds)
        return [one.settings for one in model.rounds]

    assert settings("bright") == [{"bright": 3.0}] * 2
    assert settings("keep") == [{}] * 2


def test_another_strategy_finds_nothing_to_leave_scans_out_for(request_of, registry):
    systems = chain("match", "bayes", "bright", 1, looks=None, edges="bright")
    assert systems.find_model("bayes").rounds[0].images[0].unless == "alone"
    request = request_of(systems=systems, translator=None, segmenter=None, strategy="keep")
    (one,) = resolve(request, registry).systems.find_model("bayes").rounds
    assert (one.strategy, one.settings, one.images[0].unless) == ("keep", {}, None)


def test_another_segmenter_trains_by_no_settings_of_the_one_it_replaces(
    request_of, registry, systems_of
):
    text = START.replace(
        'images = [{ from = "aligned" }]\n    [[system]]',
        'images = [{ from = "aligned" }]\n    [[model.round]]\n    training = { smoothing = 3.0 }\n'
        '    strategy = "keep"\n    labelling = { sharpness = 3.0 }\n'
        '    images = [{ from = "aligned" }]\n    [[system]]',
        1,
    )
    for segmenter, training in (("bayes", {"smoothing": 3.0}), ("smooth", {})):
        request = request_of(
            systems=systems_of(text), translator=None, segmenter=segmenter, strategy=None
        )
        (one,) = resolve(request, registry).systems.find_model("further").rounds
        assert one.training == training
        assert one.labelling == ({"sharpness": 3.0} if training else {})


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"segmenter": {"bays": {}}}, r"a table \[segmenter.bays\], but no .* mean 'bayes'\?"),
        ({"strategy": {"mine": {}}}, r"\[strategy.mine\], but no strategy is named 'mine'"),
        # Not in use here: it would be found to be wrong only where it is.
        ({"segmenter": {"smooth": {"smothing": 2}}}, r"segmenter.smooth.smothing: unknown key"),
        ({"segmenter": {"smooth": {"smoothing": -2}}}, r"segmenter.smooth.smoothing: .* got -2"),
    ],
)
def test_a_table_that_would_do_nothing_is_an_error(request_of, registry, tables, message):
    with pytest.raises(ConfigError, match=message):
        resolve(request_of(recipe=Recipe(**tables)), registry)


def test_tables_of_our_plugins_that_are_not_installed_are_for_others(request_of, registry):
    recipe = Recipe(translator={"nicegan": {"iterations": 3}}, strategy={"mean-teacher": {}})
    assert resolve(request_of(recipe=recipe), registry).recipe.translator == recipe.translator


def test_rounds_without_self_training_are_an_error(request_of, registry):
    with pytest.raises(ConfigError, match=r"--rounds 2: without self-training"):
        resolve(request_of(strategy="none", rounds=2), registry)
    assert resolve(request_of(strategy="none", rounds=0), registry)


class Extra:
    """A third party's metrics, one of which cannot be imported."""

    @hookimpl
    def past_metrics(self):
        toys = "tests.core.pipeline.toys:"
        yield MetricSpec("sound", "", f"{toys}Overlap", f"{toys}OverlapConfig")
        yield MetricSpec("broken", "", "nowhere:M", f"{toys}OverlapConfig")


@pytest.fixture
def with_extra():
    return Registry({"small": Plugins(), "past-core": DataSets, "past-extra": Extra()})


def test_a_broken_metric_that_nobody_asked_for_stops_nothing(request_of, with_extra):
    settings = resolve(request_of(), with_extra)
    assert [metric.name for metric in settings.metrics] == ["iou", "sound"]
    (note,) = settings.notes
    assert note.startswith("nothing is scored by broken: the metric 'broken' of past-extra")


def test_metrics_that_were_asked_for_are_the_only_ones(request_of, with_extra):
    settings = resolve(request_of(metrics=("sound",)), with_extra)
    assert [metric.name for metric in settings.metrics] == ["sound"]
    assert settings.notes == ()
    with pytest.raises(PluginError, match=r"no metric is named 'iuo'. Did you mean 'iou'"):
        resolve(request_of(metrics=("iuo",)), with_extra)


def test_a_broken_metric_that_was_asked_for_is_an_error_before_anything_is_trained(
    request_of, with_extra
):
    with pytest.raises(PluginError, match=r"'broken' of past-extra .* cannot be loaded"):
        run_pipeline(request_of(metrics=("broken",)), registry=with_extra)
    assert not list((request_of().folder).glob("stages/fit-*"))
