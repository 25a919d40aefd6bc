"""What the network is told about its mistakes: cross-entropy for the policy, and for win, draw and loss."""

from typing import NamedTuple

import torch
from torch import Tensor

from alphapente.network.models import value_of

NOT_LEGAL = -1e4
"""Added to the logits of points that may not be played: exp of it is 0 in float32, and 0 times it is 0."""


class Targets(NamedTuple):
    """What to learn from B positions: the arrays of a Batch but its planes, as tensors."""

    policy: Tensor
    legal: Tensor
    value: Tensor
    policy_weight: Tensor
    """[B]; where these average 1 over a batch, the policy loss is the mean over what counts in it."""


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


def losses(outputs: tuple[Tensor, Tensor], targets: Targets) -> Losses:
    """Losses of policy logits [B, S*S] and value logits [B, 3] against their targets, all in float32.

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
    return Losses(policy_loss, value_loss, entropy, target_entropy, square_error)
