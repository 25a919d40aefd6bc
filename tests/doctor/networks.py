"""A network made by hand, for checkpoints whose health is known: what it knows is its sizes, not its weights."""

import torch
from torch import Tensor, nn

from alphapente.network.planes import NUM_PLANES

TACTICS = {6: 4.0, 7: 3.0, 8: 3.0, 9: 2.0, 10: 2.0, 11: 1.8}


class HandMade(nn.Module):
    """Likes points by the tactical planes times `knows`; its value is `value`: "even", "noise" or "sure".

    "noise" is another large number for each position, "sure" holds every position for won.
    """

    def __init__(self, num_planes: int = NUM_PLANES, knows: float = 1.0, value: str = "even") -> None:
        super().__init__()
        weights = torch.zeros(num_planes)
        for plane, weight in TACTICS.items():
            weights[plane] = knows * weight
        self.weights = nn.Parameter(weights)
        self.kind = value

    def forward(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        policy = (planes * self.weights[:, None, None]).sum(1).flatten(1)
        points = torch.arange(policy.shape[1], dtype=planes.dtype, device=planes.device)
        scattered = torch.frac(torch.sin(points * 12.9898 + 1.0) * 437.585)
        seen = ((planes[:, 0] - 2 * planes[:, 1]).flatten(1) * scattered).sum(1)
        if self.kind == "even":
            return policy, 0 * seen
        if self.kind == "sure":
            return policy, 0 * seen + 5
        return policy, 3 * torch.sin(57.31 * seen)
