"""The learner: a model, its optimizer and the EMA of its weights, trained one batch at a time."""

import copy
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from alphapente.config import BUILT_IN_CLASSES, TrainingSettings
from alphapente.errors import FailureError
from alphapente.network.inputs import input_form
from alphapente.network.models import TwoHeaded, value_of
from alphapente.network.torch_backend import torch_precision
from alphapente.training import winograd
from alphapente.training.auxiliary import Auxiliary, Taught, weights_of
from alphapente.training.batches import Batch
from alphapente.training.losses import Losses, Targets, losses
from alphapente.training.mixnet_training import use_kernels
from alphapente.training.replicas import Replicas

SMALLEST_PART = 8
"""The fewest positions of a replica's part of a batch, and so for the statistics of batch normalisation."""


def learning_precision(class_path: str, requested: str, device: str) -> str:
    """The precision of training: "fp32" or "bf16", see `torch_precision`. Mixnet's kernels on a CPU compute in fp32."""
    if device == "cpu" and class_path == BUILT_IN_CLASSES["mixnet"]:
        return "fp32"
    return torch_precision(requested, device)


class TrainingError(FailureError):
    """A training that cannot continue: what happened, and what to change."""


class Learner:
    """AdamW on a model, in float32 or in bf16 with float32 weights (`precision`), and the EMA of the weights.

    On a CPU each of `threads` learns from a part of every batch (training/replicas.py); batch normalisation uses the
    statistics of that part (Hoffer et al. 2017, "ghost batch normalization"). docs/training.md has the other
    optimisations, and those that did not help.
    """

    def __init__(
        self,
        model: nn.Module,
        settings: TrainingSettings,
        device: str = "cpu",
        precision: str = "fp32",
        threads: int = 1,
    ) -> None:
        self.device = torch.device(device)
        self.precision = precision
        self.input_form = input_form(model)
        """The input form of the batches."""
        self.step = 0
        """Optimizer steps since the network was created."""
        self._settings = settings
        self._bf16 = precision == "bf16"
        tiled = winograd.pays(self.device.type, precision) and winograd.use_winograd(model) > 0
        by_kernels = use_kernels(model, self.device.type, precision) and not weights_of(settings.auxiliary)
        self.method = ", mixnet by compiled kernels" if by_kernels else ", convolutions by tiles" if tiled else ""
        """For messages: how the model is computed if not by torch alone, after a comma."""
        self._layout = torch.channels_last if self._bf16 or tiled else torch.contiguous_format
        self.model = model.to(self.device).to(memory_format=self._layout).train()  # type: ignore[call-overload]
        self._auxiliary_shares = weights_of(settings.auxiliary)
        self._auxiliary = Auxiliary(self.model, list(self._auxiliary_shares)).to(self.device)
        whole = self.model
        if self._auxiliary and isinstance(self.model, TwoHeaded):
            whole = Taught(self.model, self._auxiliary)
        self._replicas = Replicas(whole, threads if self.device.type == "cpu" else 1)
        self._parameters = dict(self.model.named_parameters())
        self._parameters |= {f"auxiliary.{name}": head for name, head in self._auxiliary.named_parameters()}
        decayed = [parameter for parameter in self._parameters.values() if parameter.ndim > 1]
        others = [parameter for parameter in self._parameters.values() if parameter.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self._optimizer = torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)
        self._averaged = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        self._remember_tensors()
        self._player: nn.Module | None = None

    def learn(self, batch: Batch, rate_factor: float = 1.0) -> Losses:
        """One optimizer step on a batch, at `rate_factor` times the configured rate; returns the losses before it.

        Raises TrainingError, with the weights unchanged, if a loss or a gradient is not a finite number.
        """
        count = len(batch.value)
        batch = _weighed(batch)
        parts = max(1, min(len(self._replicas), count // SMALLEST_PART))
        bounds = [count * part // parts for part in range(parts + 1)]
        self._optimizer.zero_grad(set_to_none=True)

        def teach(model: nn.Module, part: int) -> Losses:
            some = slice(bounds[part], bounds[part + 1])
            return self._teach(model, batch.part(some), (some.stop - some.start) / count)

        found = Losses(*(sum(parts) for parts in zip(*self._replicas.run(teach, parts), strict=True)))
        total = self.total(found)
        norm = nn.utils.clip_grad_norm_(self._parameters.values(), self._settings.gradient_clip)
        if not math.isfinite(total.item() + norm.item()):
            raise TrainingError(
                f"the loss is not finite at step {self.step:,} (policy {found.policy.item():.4g}, value "
                f"{found.value.item():.4g}, gradient {norm.item():.4g}); the last checkpoint is kept: start again with "
                f"a lower training.learning_rate (now {self._settings.learning_rate}) or training.gradient_clip"
            )
        for group in self._optimizer.param_groups:
            group["lr"] = self._settings.learning_rate * rate_factor * self._warmup()
        self._optimizer.step()
        self.step += 1
        self._average()
        return found

    def _teach(self, model: nn.Module, part: Batch, share: float) -> Losses:
        """Adds a part's gradient to a replica's; returns its losses. Both are weighted by its share of the batch."""
        outputs, targets = self._answers(model, part)
        found = losses(outputs, targets)
        (share * self.total(found)).backward()  # type: ignore[no-untyped-call]
        return Losses(*(share * loss.detach() for loss in found))

    def _answers(self, model: nn.Module, batch: Batch) -> tuple[Any, Targets]:
        arrays, *targets = batch
        inputs = [self._on_device(array) for array in arrays]
        inputs = [each.contiguous(memory_format=self._layout) if each.ndim == 4 else each for each in inputs]
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._bf16, cache_enabled=False):
            return model(*inputs), Targets(*map(self._on_device, targets))

    def _on_device(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(self.device, non_blocking=True)

    def total(self, found: Losses) -> Tensor:
        """The total loss: the weighted sum that is minimised."""
        total = found.policy + self._settings.value_loss_weight * found.value
        for name, weight in self._auxiliary_shares.items():
            total = total + weight * getattr(found, name)
        return total

    @torch.no_grad()
    def judge(self, batch: Batch) -> tuple[Losses, NDArray[np.float32]]:
        """Evaluates the averaged weights (EMA), which play, on a batch: their losses, and their values float32[B]."""
        if self._player is None:
            self._player = copy.deepcopy(self.model).eval()
        self._player.load_state_dict(self._averaged | self._counted())
        outputs, targets = self._answers(self._player, _weighed(batch))
        return losses(outputs, targets), value_of(outputs[1].float()).cpu().numpy()

    @property
    def learning_rate(self) -> float:
        """The rate of the last step."""
        return float(self._optimizer.param_groups[0]["lr"])

    def weights(self) -> dict[str, Tensor]:
        """A copy of the weights in training, on the CPU."""
        return {name: tensor.detach().cpu().clone() for name, tensor in self.model.state_dict().items()}

    def averaged_weights(self) -> dict[str, Tensor]:
        """A copy of the EMA of weights and normalisation statistics, on the CPU: these play."""
        return {name: tensor.detach().cpu().clone() for name, tensor in (self._averaged | self._counted()).items()}

    def _counted(self) -> dict[str, Tensor]:
        """The part of the model's state that is counted (integers), not averaged."""
        return {name: tensor for name, tensor in self.model.state_dict().items() if not tensor.is_floating_point()}

    def auxiliary_weights(self) -> dict[str, Tensor]:
        """A copy of the weights of the auxiliary heads, on the CPU."""
        return {name: tensor.detach().cpu().clone() for name, tensor in self._auxiliary.state_dict().items()}

    def resume_auxiliary(self, kept: Mapping[str, Tensor]) -> list[str]:
        """Loads the fitting auxiliary heads of an earlier training; returns the names of the heads that stay fresh."""
        own = self._auxiliary.state_dict()
        fitting = {name: kept[name] for name in own if name in kept and kept[name].shape == own[name].shape}
        self._auxiliary.load_state_dict(fitting, strict=False)
        return sorted({name.partition(".")[0] for name in own.keys() - fitting.keys()})

    def optimizer_state(self) -> dict[str, dict[str, Tensor]]:
        """The optimizer's state for `resume`: that of each weight, by its name, on the CPU."""
        names = {parameter: name for name, parameter in self._parameters.items()}
        return {
            names[parameter]: {key: tensor.detach().cpu().clone() for key, tensor in state.items()}
            for parameter, state in self._optimizer.state.items()
        }

    def resume(self, averaged: dict[str, Tensor], optimizer: Mapping[str, Mapping[str, Tensor]], step: int) -> None:
        """Resumes after `step` steps, the model having its weights already; rate and weight decay stay as configured.

        Weights without a state start with a fresh one. Raises TrainingError for a state that does not fit.
        """
        try:
            for name, parameter in self._parameters.items():
                if name in optimizer:
                    self._optimizer.state[parameter] = self._state_of(parameter, optimizer[name])
            for name, tensor in self._averaged.items():
                tensor.copy_(averaged[name])
        except (ValueError, KeyError, RuntimeError, TypeError, AttributeError) as error:
            raise TrainingError(
                f"the optimizer's state does not fit the model ({error}): the file is damaged"
            ) from error
        self.step = step

    def _state_of(self, parameter: Tensor, kept: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """AdamW's state of a weight, on the weight's device and in its layout."""
        found = {"step": kept["step"].to(self.device)}
        for key in ("exp_avg", "exp_avg_sq"):
            found[key] = torch.zeros_like(parameter, requires_grad=False).copy_(kept[key])
        return found

    def _remember_tensors(self) -> None:
        floating = [name for name, tensor in self._averaged.items() if tensor.is_floating_point()]
        live = self.model.state_dict()
        self._live = [live[name].detach() for name in floating]
        self._slow = [self._averaged[name] for name in floating]

    def _average(self) -> None:
        """Updates the EMA; faster in the first steps, so that the random initial weights leave no trace.

        weight = (1 - d) / (1 - d^t), the bias correction of Adam (Kingma & Ba 2015, section 3).
        """
        decay = self._settings.average_decay
        torch._foreach_lerp_(self._slow, self._live, (1 - decay) / (1 - decay**self.step))

    def _warmup(self) -> float:
        return min(1.0, (self.step + 1) / max(1, self._settings.warmup_steps))


def _weighed(batch: Batch) -> Batch:
    """The batch with weights that average 1, so that each loss is a weighted mean."""
    return batch._replace(
        policy_weight=_averaging_one(batch.policy_weight),
        reply_weight=_averaging_one(batch.reply_weight),
        later_weight=_averaging_one(batch.later_weight),
    )


def _averaging_one(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The weights of a batch, scaled to an average of 1; all 0 if their sum is 0."""
    total = float(weights.sum())
    return weights * np.float32(len(weights) / total if total > 0 else 0.0)
