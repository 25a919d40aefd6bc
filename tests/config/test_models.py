"""Models in the configuration: built-in sizes, inheritance, own classes, and errors."""

import pytest

from alphapente.config import Config, load_config
from tests.config.refusals import Write, refusal


def test_models_have_built_in_sizes_and_inherit() -> None:
    config = load_config(None, ['models.big={"extends": "resnet", "blocks": 9}', "models.resnet.channels=96"])
    assert config.models["simple"].sizes == {"channels": 64, "layers": 3, "stem_kernel": 3}
    assert config.models["big"].class_path == config.models["resnet"].class_path
    assert config.models["big"].sizes == {"channels": 96, "blocks": 9, "stem_kernel": 3}


def test_built_in_sizes_are_those_of_the_classes() -> None:
    import importlib
    import inspect

    for settings in Config().models.values():
        module, _, name = settings.class_path.partition(":")
        built = getattr(importlib.import_module(module), name)
        taken = inspect.signature(built).parameters
        assert set(settings.sizes) <= set(taken) or any(kind.kind.name == "VAR_KEYWORD" for kind in taken.values())


def test_own_classes_accept_any_sizes(write: Write) -> None:
    base = {"models": {"own": {"class": "my.nets:Net", "width": 3, "extra": {"deep": [1, 2]}}}}
    write(base, "base.json")
    own = write({"extends": "base.json", "models": {"own": {"width": 4}}, "training": {"model_type": "own"}})
    assert load_config(own).models["own"].sizes == {"width": 4, "extra": {"deep": [1, 2]}}


def test_another_class_replaces_all_sizes(write: Write) -> None:
    own = write({"models": {"big": {"extends": "resnet", "blocks": 9}, "simple": {"class": "my:Net"}}})
    config = load_config(own, ['models.big={"class": "my:Other", "width": 1}'])
    assert config.models["big"].sizes == {"width": 1}
    assert config.models["simple"].sizes == {}


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (
            {"resnet": {"blcks": 3}},
            "models.resnet.blcks: unknown key, found 3 (whole number); allowed: channels, blocks",
        ),
        ({"resnet": {"blcks": 3}}, 'did you mean "models.resnet.blocks"?'),
        ({"resnet": {"blocks": 0}}, "models.resnet.blocks: found 0 (whole number); allowed: a whole number from 1 to"),
        ({"simple": {"stem_kernel": True}}, "models.simple.stem_kernel: found true (true/false); allowed: one of 3, 5"),
        ({"big": {}}, 'models.big: found {} (object); allowed: "class" or "extends" in it'),
        ({"big": {"extends": "resnt"}}, 'did you mean "resnet"?'),
        ({"big": {"extends": 3}}, "models.big.extends: found 3 (whole number)"),
        ({"a": {"extends": "b"}, "b": {"extends": "a"}}, "allowed: no circle; here a -> b -> a"),
        ({"simple": {"extends": "simple"}}, "models.simple.extends"),
        ({"big": {"class": "nets.Net"}}, 'allowed: a class as "package.module:Class"'),
        ({"big": {"class": None}}, "models.big"),
        ({"big": 3}, "models.big: found 3 (whole number); allowed: an object"),
        ({"a/b": {"class": "a:B"}}, "it becomes a file's name"),
        (["big"], "models: found"),
        (None, "models: found null"),
    ],
)
def test_bad_models(write: Write, models: object, message: str) -> None:
    own = write({"models": models})
    text = refusal(own)
    assert text.startswith(f"{own}: models")
    assert message in text


def test_own_sizes_must_be_finite(write: Write) -> None:
    text = refusal(write('{"models": {"own": {"class": "a:B", "deep": [1, {"x": NaN}]}}}'))
    assert "models.own.deep: found" in text
    assert "finite" in text


def test_the_model_type_must_be_a_model(write: Write) -> None:
    own = write({"generation": {"model_type": "resnt"}})
    text = refusal(own)
    assert text.startswith(
        f'{own}: generation.model_type: found "resnt" (text); allowed: one of "mixnet", "resnet", "simple"'
    )
    assert 'did you mean "resnet"?' in text
    assert "command line: training.model_type" in refusal(None, "training.model_type=big")
