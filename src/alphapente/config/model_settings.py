"""The section `models`: each entry is a class and its sizes, own or inherited from another entry."""

import math
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from alphapente.config.allowed import allowed_text, whole_number
from alphapente.config.refusal import RefusedError, nearest

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_CLASS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


StemKernel = Annotated[Literal[3, 5], BeforeValidator(whole_number)]


class _Sizes(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class SimpleSizes(_Sizes):
    """Sizes of the plain convolutional network."""

    channels: int = Field(64, description="Channels of each layer.", ge=1, le=2048)
    layers: int = Field(3, description="Number of convolutions.", ge=1, le=100)
    stem_kernel: StemKernel = Field(3, description="Kernel size of the first convolution, in points.")


class ResnetSizes(_Sizes):
    """Sizes of the residual network."""

    channels: int = Field(64, description="Channels of each layer.", ge=1, le=2048)
    blocks: int = Field(6, description="Number of residual blocks of two convolutions.", ge=1, le=100)
    stem_kernel: StemKernel = Field(3, description="Kernel size of the first convolution, in points.")


MixnetChannels = Annotated[Literal[16, 32, 48, 64, 80, 96, 128, 160, 192, 256], BeforeValidator(whole_number)]


MixnetHidden = Annotated[Literal[32, 64, 96, 128, 192, 256], BeforeValidator(whole_number)]


class MixnetSizes(_Sizes):
    """Sizes of the network of line patterns."""

    channels: MixnetChannels = Field(128, description="Channels: numbers in each row of the table of line patterns.")
    policy_channels: MixnetHidden = Field(32, description="Policy channels of each point near a stone.")
    value_hidden: MixnetHidden = Field(96, description="Hidden units of the value head.")


BUILT_IN_CLASSES: dict[str, str] = {
    "simple": "alphapente.network.models:Simple",
    "resnet": "alphapente.network.models:Resnet",
    "mixnet": "alphapente.network.mixnet:Mixnet",
}
BUILT_IN_SIZES: dict[str, type[_Sizes]] = {
    BUILT_IN_CLASSES["simple"]: SimpleSizes,
    BUILT_IN_CLASSES["resnet"]: ResnetSizes,
    BUILT_IN_CLASSES["mixnet"]: MixnetSizes,
}


def complete_sizes(class_path: str, sizes: dict[str, Any]) -> dict[str, Any]:
    """The sizes in a checkpoint, with the defaults of those that its built-in class has received since."""
    known = BUILT_IN_SIZES.get(class_path)
    return sizes if known is None else {name: field.default for name, field in known.model_fields.items()} | sizes


class ModelSettings(BaseModel):
    """One model: its class ("package.module:Class") and the sizes, which the class takes as keyword arguments."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, populate_by_name=True)

    class_path: str = Field(alias="class", description='Class of the model: "package.module:Class".')

    @property
    def sizes(self) -> dict[str, Any]:
        """The class's keyword arguments, a new dictionary at each call."""
        return dict(self.model_extra or {})


def resolve_models(value: object) -> dict[str, ModelSettings]:
    """The section with inheritance and built-in sizes resolved. Raises RefusedError."""
    if not isinstance(value, dict):
        raise RefusedError(("models",), value, "an object: a name and settings for each model")
    entries: dict[str, object] = {**{name: {} for name in BUILT_IN_CLASSES}, **value}
    return {name: _resolve(name, entries, ()) for name in entries}


def _resolve(name: str, entries: dict[str, object], chain: tuple[str, ...]) -> ModelSettings:
    path = ("models", name)
    entry = entries[name]
    if isinstance(entry, ModelSettings):
        return entry
    if not _NAME.fullmatch(name):
        raise RefusedError(path, name, "names of letters, digits, '_', '-' and '.' (it becomes a file's name)")
    if not isinstance(entry, dict):
        raise RefusedError(path, entry, 'an object, such as {"extends": "resnet", "blocks": 10}')
    own = {key: size for key, size in entry.items() if key not in ("class", "extends")}
    inherited_class, inherited = _inherited(name, entry, entries, (*chain, name))
    class_path = entry.get("class", inherited_class)
    if class_path is None:
        allowed = f'"class" or "extends" in it (built in, without either: {", ".join(BUILT_IN_CLASSES)})'
        raise RefusedError(path, entry, allowed, nearest(name, BUILT_IN_CLASSES))
    if not isinstance(class_path, str) or not _CLASS.fullmatch(class_path):
        raise RefusedError((*path, "class"), class_path, 'a class as "package.module:Class"')
    return ModelSettings(**{"class": class_path, **_check_sizes(path, class_path, {**inherited, **own})})


def _inherited(
    name: str, entry: dict[str, object], entries: dict[str, object], chain: tuple[str, ...]
) -> tuple[str | None, dict[str, Any]]:
    """The inherited class and sizes: those of the parent entry, or the built-in ones of the same name."""
    if "extends" not in entry:
        return BUILT_IN_CLASSES.get(name), {}
    parent = entry["extends"]
    path = ("models", name, "extends")
    others = [other for other in entries if other != name]
    if not isinstance(parent, str) or parent not in entries:
        allowed = "the name of another model: " + ", ".join(others)
        raise RefusedError(path, parent, allowed, nearest(str(parent), others))
    if parent in chain:
        raise RefusedError(path, parent, "no circle; here " + " -> ".join((*chain, parent)))
    model = _resolve(parent, entries, chain)
    return model.class_path, model.sizes


def _check_sizes(path: tuple[str, ...], class_path: str, sizes: dict[str, Any]) -> dict[str, Any]:
    """The sizes, validated: a built-in class allows only its own keys, any other class allows all."""
    known = BUILT_IN_SIZES.get(class_path)
    if known is None:
        for key, size in sizes.items():
            if not _is_finite(size):
                raise RefusedError((*path, key), size, "finite numbers")
        return sizes
    try:
        return known.model_validate(sizes).model_dump()
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        if first["type"] == "extra_forbidden":
            near = nearest(key, known.model_fields)
            suggestion = ".".join((*path, near)) if near else ""
            allowed = ", ".join([*known.model_fields, "class", "extends"])
            raise RefusedError((*path, key), first["input"], allowed, suggestion, True) from None
        raise RefusedError((*path, key), first["input"], allowed_text(known.model_fields[key])) from None


def _is_finite(value: object) -> bool:
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
