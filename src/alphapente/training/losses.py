"""What the network is told about its mistakes: cross-entropy for the policy, and for win, draw and loss."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from alphapente.network.models import value_of

SOFT_TEMPERATURE = 4.0
"""The soft policy is the policy target to the power of 1 / this (KataGo, docs/KataGoMethods.md)."""
NOT_LEGAL = -1e4
"""Added to the logits of points that may not be played: exp of it is 0 in float32, and 0 times it is 0."""


class Targets(NamedTuple):
    """What to learn from B positions: the arrays of a Batch but its inputs, as tensors."""

    policy: Tensor
    legal: Tensor
    value: Tensor
    policy_weight: Tensor
    """[B]; where weights average 1 over a batch, the loss is the mean over what counts in it."""
    reply: Tensor
    reply_weight: Tensor
    later: Tensor
    later_weight: Tensor


class Losses(NamedTuple):
    """Scalars in nats, averaged over a batch, and the two measures reported beside them."""

    policy: Tensor
    value: Tensor
    policy_entropy: Tensor
    """Of the network's own policy over the legal points: log(number of points) when it knows nothing."""
    target_entropy: Tensor
    """Of the policy targets: the policy loss cannot fall below it; the difference is the KL divergence."""
    square_error: Tensor
    """Of the value P(win) - P(loss) against its label, averaged."""
    reply: Tensor
    soft_policy: Tensor
    captured: Tensor
    plies_left: Tensor
    """These four of the auxiliary targets, see `auxiliary_losses`; 0 where one is not taught."""


def losses(outputs: tuple[Tensor, Tensor] | tuple[Tensor, Tensor, Mapping[str, Tensor]], targets: Targets) -> Losses:
    """Losses of policy logits [B, S*S], value logits [B, 3] and any auxiliary answers, all in float32.

    Policy: cross-entropy against the soft target over the legal points, weighted. Value: cross-entropy against the
    chances of win, draw and loss; its gradient is the difference of the chances, however sure the network is.
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
    """The loss of each answer given (see Auxiliary).

    Replies and the soft policy: cross-entropy. Stones captured and the nearness of the end: half the square error
    (Huber's beyond 1), summed over the two players.
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
