"""The losses of training: cross-entropy for the policy and for win, draw and loss, and the auxiliary losses."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from alphapente.network.models import value_of

SOFT_TEMPERATURE = 4.0
"""The soft policy is the policy target to the power of 1 / SOFT_TEMPERATURE (KataGo, docs/KataGoMethods.md)."""
NOT_LEGAL = -1e4
"""Added to the logits of illegal points: exp(-1e4) is 0 in float32; unlike with -inf, target 0 times its log is 0."""


class Targets(NamedTuple):
    """The targets of B positions: the arrays of a Batch except its inputs, as tensors."""

    policy: Tensor
    legal: Tensor
    value: Tensor
    policy_weight: Tensor
    """[B]; with weights that average 1 over a batch, the loss is a weighted mean."""
    reply: Tensor
    reply_weight: Tensor
    later: Tensor
    later_weight: Tensor


class Losses(NamedTuple):
    """Scalars in nats, averaged over a batch, and two further measures for reports."""

    policy: Tensor
    value: Tensor
    policy_entropy: Tensor
    """The entropy of the network's policy over the legal points: log(number of points) for a uniform one."""
    target_entropy: Tensor
    """The entropy of the policy targets: the policy loss cannot fall below it; the difference is the KL divergence."""
    square_error: Tensor
    """The mean squared error of the value P(win) - P(loss)."""
    reply: Tensor
    soft_policy: Tensor
    captured: Tensor
    plies_left: Tensor
    """These four are those of the auxiliary targets, see `auxiliary_losses`; 0 for a target that is off."""


def losses(outputs: tuple[Tensor, Tensor] | tuple[Tensor, Tensor, Mapping[str, Tensor]], targets: Targets) -> Losses:
    """Losses of policy logits [B, S*S], value logits [B, 3] and any auxiliary outputs, all in float32.

    Policy: weighted cross-entropy with the target distribution over the legal points. Value: cross-entropy with the
    chances of win, draw and loss; its gradient is the difference of the chances, however confident the network is.
    """
    logits, value_logits = outputs[0].float(), outputs[1].float()
    log_policy = torch.log_softmax(logits + (1 - targets.legal) * NOT_LEGAL, 1)
    weight = targets.policy_weight
    policy_loss = -(weight * (targets.policy * log_policy).sum(1)).mean()
    value_loss = -(targets.value * torch.log_softmax(value_logits, 1)).sum(1).mean()
    with torch.no_grad():
        entropy = -(weight * (log_policy.exp() * log_policy).sum(1)).mean()
        target_entropy = (weight * torch.special.entr(targets.policy).sum(1)).mean()
        label = targets.value[:, 0] - targets.value[:, 2]
        square_error = (value_of(value_logits) - label).square().mean()
    found = dict.fromkeys(AUXILIARY, torch.zeros((), device=logits.device))
    if len(outputs) == 3:
        found |= auxiliary_losses(outputs[2], targets)
    return Losses(policy_loss, value_loss, entropy, target_entropy, square_error, **found)


AUXILIARY = ("reply", "soft_policy", "captured", "plies_left")
"""The names of the auxiliary targets, in the order of Losses."""


def auxiliary_losses(answers: Mapping[str, Tensor], targets: Targets) -> dict[str, Tensor]:
    """The loss of each given auxiliary output (see Auxiliary).

    Reply and soft policy: cross-entropy. Captured stones and plies left: half the squared error (Huber loss, linear
    beyond 1), summed over the two players.
    """
    found = {}
    if "reply" in answers:
        log_reply = torch.log_softmax(answers["reply"].float(), 1)
        found["reply"] = -(targets.reply_weight * (targets.reply * log_reply).sum(1)).mean()
    if "soft_policy" in answers:
        soft = targets.policy.pow(1 / SOFT_TEMPERATURE) * targets.legal
        soft = soft / soft.sum(1, keepdim=True).clamp_min(1e-9)
        log_soft = torch.log_softmax(answers["soft_policy"].float() + (1 - targets.legal) * NOT_LEGAL, 1)
        found["soft_policy"] = -(targets.policy_weight * (soft * log_soft).sum(1)).mean()
    for name, place in (("captured", slice(0, 2)), ("plies_left", slice(2, 3))):
        if name in answers:
            error = F.smooth_l1_loss(answers[name].float(), targets.later[:, place], reduction="none")
            found[name] = (targets.later_weight * error.sum(1)).mean()
    return found
