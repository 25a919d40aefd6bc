"""The networks: a convolutional trunk, a policy head and a value head.

Every network is a module that maps the arrays of its input form (see network/inputs.py; for those in this file planes
float32[B, num_planes, S, S]) to a pair: policy logits float32[B, S * S], one for each point, and value logits
float32[B, 3]: win, draw and loss for the player to move (`value_of` makes one number of them). They are trained by
cross-entropy, whose gradient does not vanish where the network is confident and wrong. No weight depends on the size of
the board: the heads see the whole board by global pooling (KataGo, Wu 2019, section 3.3), so one network plays every
size.
"""

import difflib
import importlib
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from alphapente.config import Config
from alphapente.errors import RequestError
from alphapente.network.inputs import PLANES, InputForm, input_form
from alphapente.network.planes import NUM_PLANES
from alphapente.rules.position import new_positions

POLICY_CHANNELS = 32
VALUE_HIDDEN = 96
MIN_TRIAL_SIZE = 7
NUM_ENDS = 3
"""Value logits: win, draw, loss."""


def value_of(value_logits: Tensor) -> Tensor:
    """The value float[B] in [-1, 1] of value logits float[B, 3]: P(win) - P(loss)."""
    chances = torch.softmax(value_logits, 1)
    return chances[:, 0] - chances[:, 2]


class ConvNorm(nn.Sequential):
    """Convolution that keeps the board's size, batch normalisation and, unless `relu` is false, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, relu: bool = True) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        if relu:
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class Block(nn.Module):
    """Residual block: two 3x3 convolutions and a skip connection (He et al. 2015)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels, 3)
        self.second = ConvNorm(channels, channels, 3, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """float[B, channels, S, S] to the same."""
        return torch.relu_(self.second(self.first(x)) + x)


def pool(features: Tensor) -> Tensor:
    """Mean and maximum over the board: float[B, C, S, S] to float[B, 2 C].

    `sum` and `adaptive_max_pool2d` have the cheapest gradients: `mean` and `amax` take a sixth of a training step.
    """
    mean = features.sum((2, 3)) / (features.shape[2] * features.shape[3])
    return torch.cat([mean, F.adaptive_max_pool2d(features, 1).flatten(1)], 1)


class Heads(nn.Module):
    """Policy and value from the trunk's features float[B, channels, S, S].

    Policy: each point's features, shifted by a linear function of the pooled board, then one logit a point.
    Value: mean and maximum over the board, one hidden layer, a logit for win, draw and loss.
    """

    def __init__(self, channels: int, policy_channels: int = POLICY_CHANNELS, value_hidden: int = VALUE_HIDDEN) -> None:
        super().__init__()
        self.point = nn.Conv2d(channels, policy_channels, 1)
        self.pooled_bias = nn.Linear(2 * channels, policy_channels, bias=False)
        self.policy = nn.Conv2d(policy_channels, 1, 1, bias=False)
        self.hidden = nn.Linear(2 * channels, value_hidden)
        self.value = nn.Linear(value_hidden, NUM_ENDS)

    def judge(self, points: Tensor, board: Tensor) -> tuple[Tensor, Tensor]:
        """Policy logits and value logits from the results of `read`."""
        return self.policy(points).flatten(1), self.value(board)

    def read(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The hidden features of both heads, which auxiliary heads read as well.

        Returns those of the points [B, policy_channels, S, S] and of the board [B, value_hidden].
        """
        pooled = pool(features)
        shifted = self.point(features) + self.pooled_bias(pooled)[:, :, None, None]
        return torch.relu(shifted), torch.relu(self.hidden(pooled))


class TwoHeaded(nn.Module):
    """A trunk and the two heads: the base class of all built-in networks."""

    input_form: ClassVar[InputForm] = PLANES

    def __init__(self, trunk: nn.Module, heads: Heads) -> None:
        super().__init__()
        self.trunk = trunk
        self.heads = heads

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """The arrays of the input form to policy logits [B, S * S] and value logits [B, 3]."""
        return self.judge(*self.read(*inputs), *inputs)

    def read(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """The hidden features of both heads: see Heads.read."""
        return self.heads.read(self.trunk(*inputs))

    def judge(self, points: Tensor, board: Tensor, *_inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Policy logits and value logits from the results of `read`, and from the inputs if the model needs them."""
        return self.heads.judge(points, board)

    def initialise(self) -> None:
        """He initialisation; residual blocks start as the identity, the policy nearly uniform, the value near 0."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, Block):
                nn.init.zeros_(module.second[1].weight)  # type: ignore[arg-type]
        nn.init.normal_(self.heads.pooled_bias.weight, std=0.02)
        nn.init.normal_(self.heads.policy.weight, std=0.02)
        nn.init.normal_(self.heads.value.weight, std=0.02)


class Simple(TwoHeaded):
    """`layers` plain convolutions, the first one of `stem_kernel` x `stem_kernel` points: fast, the baseline."""

    def __init__(self, num_planes: int, channels: int = 64, layers: int = 3, stem_kernel: int = 3) -> None:
        trunk = nn.Sequential(ConvNorm(num_planes, channels, stem_kernel))
        for _ in range(layers - 1):
            trunk.append(ConvNorm(channels, channels, 3))
        super().__init__(trunk, Heads(channels))


class Resnet(TwoHeaded):
    """A convolution, then `blocks` residual blocks: stronger, and about six times the work."""

    def __init__(self, num_planes: int, channels: int = 64, blocks: int = 6, stem_kernel: int = 3) -> None:
        trunk = nn.Sequential(ConvNorm(num_planes, channels, stem_kernel))
        for _ in range(blocks):
            trunk.append(Block(channels))
        super().__init__(trunk, Heads(channels))


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """The class of a model and its arguments: everything that a checkpoint needs to build it again."""

    model_type: str
    class_path: str
    sizes: dict[str, Any]


def spec_of(config: Config, model_type: str) -> ModelSpec:
    """The spec of the model named `model_type` in the configuration's section `models`.

    Raises RequestError for an unknown name.
    """
    settings = config.models.get(model_type)
    if settings is None:
        near = difflib.get_close_matches(model_type, list(config.models), 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise RequestError(f"unknown model type {model_type!r}{hint}: choose one of {', '.join(config.models)}")
    return ModelSpec(model_type, settings.class_path, settings.sizes)


def build(spec: ModelSpec, num_planes: int = NUM_PLANES, seed: int = 0) -> nn.Module:
    """The model of a spec, its weights drawn from `seed`; torch's global random state stays unchanged.

    Raises RequestError if the class cannot be found, is no torch module, rejects its sizes, or returns something other
    than policy logits [B, S * S] and value logits [B, 3].
    """
    kind = _find_class(spec)
    sizes = {"num_planes": num_planes, **spec.sizes} if input_form(kind) is PLANES else spec.sizes
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            model: nn.Module = kind(**sizes)
        except (TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise RequestError(
                f"models.{spec.model_type}: {spec.class_path} cannot be built with {sizes}: {error}"
            ) from error
        if isinstance(model, TwoHeaded):
            model.initialise()
        else:
            _check_outputs(spec, model)
    return model


def build_model(config: Config, model_type: str, seed: int = 0) -> nn.Module:
    """A fresh model of the configuration's section `models`. Raises as `spec_of` and `build`."""
    return build(spec_of(config, model_type), seed=seed)


def num_parameters(model: nn.Module) -> int:
    """The number of trained parameters of the model."""
    return sum(parameter.numel() for parameter in model.parameters())


def _find_class(spec: ModelSpec) -> type[nn.Module]:
    where = f"models.{spec.model_type}.class is {spec.class_path!r}"
    module_name, colon, class_name = spec.class_path.partition(":")
    if not (colon and module_name and class_name):
        raise RequestError(f'{where}: write it as "package.module:Class"')
    try:
        module = importlib.import_module(module_name)
    except (ImportError, ValueError, TypeError) as error:
        raise RequestError(
            f"{where}, but the module {module_name!r} cannot be imported ({error}): check its name and PYTHONPATH"
        ) from error
    kind = getattr(module, class_name, None)
    if kind is None:
        near = difflib.get_close_matches(class_name, dir(module), 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise RequestError(f"{where}, but the module {module_name!r} has no {class_name!r}{hint}")
    if not (isinstance(kind, type) and issubclass(kind, nn.Module)):
        raise RequestError(f"{where}, but {class_name!r} is no subclass of torch.nn.Module")
    return kind


def _check_outputs(spec: ModelSpec, model: nn.Module) -> None:
    """Checks the output shapes of a user-defined network for two board sizes."""
    model.eval()
    form = input_form(model)
    for size in (MIN_TRIAL_SIZE, MIN_TRIAL_SIZE + 2):
        arrays = form.new_arrays(2, size)
        form.encode(new_positions(2, "pente", size), arrays)
        try:
            with torch.no_grad():
                policy, value = model(*map(torch.from_numpy, arrays))
            found = f"{tuple(policy.shape)} and {tuple(value.shape)}"
        except Exception as error:  # the user's code may raise anything
            raise RequestError(
                f"models.{spec.model_type}: {spec.class_path} fails on inputs of shape "
                f"{', '.join(str(array.shape) for array in arrays)}: {error}"
            ) from error
        if policy.shape != (2, size * size) or value.shape != (2, NUM_ENDS):
            raise RequestError(
                f"models.{spec.model_type}: {spec.class_path} returned {found} for a batch of 2 on {size}x{size}: "
                f"it must return policy logits (2, {size * size}) and value logits (2, {NUM_ENDS}): win, draw, loss"
            )
    model.train()
