"""What the network is told about its mistakes: cross-entropy for the policy, and for the probability of winning."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

NOT_LEGAL = -1e4
"""Added to the logits of points that may not be played: exp of it is 0 in float32, and 0 times it is 0."""


class Losses(NamedTuple):
    """Scalars in nats, averaged over a batch, and the two measures reported beside them."""

    policy: Tensor
    value: Tensor
    policy_entropy: Tensor
    """Of the network's own policy over the legal points: log(number of points) when it knows nothing."""
    target_entropy: Tensor
    """Of the policy targets: the policy loss cannot fall below it; the difference is the KL divergence."""
    square_error: Tensor
    """Of the value tanh(z) against its label, averaged."""


def losses(outputs: tuple[Tensor, Tensor], policy: Tensor, legal: Tensor, value: Tensor) -> Losses:
    """Losses of policy logits [B, S*S] and value logits z [B] against the targets of a Batch, all in float32.

    Policy: cross-entropy against the soft target over the legal points. Value: binary cross-entropy of the
    probability of winning sigmoid(2z) = (1 + tanh(z)) / 2 against (1 + label) / 2, whose gradient in z is
    tanh(z) - label: it does not vanish where tanh is flat.
    """
    logits, z = outputs[0].float(), outputs[1].float()
    log_policy = torch.log_softmax(logits + (1 - legal) * NOT_LEGAL, 1)
    policy_loss = -(policy * log_policy).sum(1).mean()
    value_loss = F.binary_cross_entropy_with_logits(2 * z, (1 + value) / 2)
    with torch.no_grad():
        entropy = -(log_policy.exp() * log_policy).sum(1).mean()
        target_entropy = torch.special.entr(policy).sum(1).mean()
        square_error = (torch.tanh(z) - value).square().mean()
    return Losses(policy_loss, value_loss, entropy, target_entropy, square_error)
