"""Mixnet: a network of line patterns for CPUs.

For each point and each of four directions, the line pattern through the point (network/patterns.py) selects a row of a
table; the four rows and a row for the captured stones are added. ReLU, a depthwise 3x3 convolution and ReLU follow,
then heads that mix each point with its neighbours. So the first layer, with a receptive field of nine points in each
line, costs four look-ups a point, whatever it has learned. Only points near a stone are computed (patterns.NEAR); all
others count as 0.

The idea is Rapfi's (Jin, Duan, Hang 2025, arXiv 2503.13178), whose tables contain the output of a deep convolution for
each line. Here a row is the sum of embeddings of the pattern's centres of radius 1 to RADIUS: a pattern that was never
trained begins as the sum of shorter ones that were. `table` adds them up for play.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from alphapente.network.models import POLICY_CHANNELS, VALUE_HIDDEN, Heads, TwoHeaded, pool
from alphapente.network.patterns import LINES, MAX_CAPTURED, NUM_PATTERNS, RADIUS, centre_rows

FAR_LOGIT = -4.0
"""The initial logit of the points far from all stones; that of near ones is about 0."""
NEIGHBOURS_DEVIATION = 0.05
"""Of the taps of NearHeads at the start: points begin nearly alone, without a symmetry between the taps."""
DEVIATIONS = (0.3, 0.3, 0.03, 0.03)
"""Standard deviations of the initial embeddings, by radius: longer patterns are rarer and start nearer to 0."""


class LineFeatures(nn.Module):
    """The trunk: patterns int16[B, P, 4], captured uint8[B, 2] and near uint8[B, P] to float[B, channels, S, S].

    Points that are not near are 0.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList()
        for radius in range(1, RADIUS + 1):
            rows, count = centre_rows(radius)
            self.register_buffer(f"rows_{radius}", torch.from_numpy(rows), persistent=False)
            self.embeddings.append(nn.Embedding(count, channels))
        self.captured = nn.Embedding(2 * (MAX_CAPTURED + 1), channels)
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)

    def table(self) -> Tensor:
        """float[NUM_PATTERNS, channels]: the row of each pattern."""
        rows = [embedding(getattr(self, f"rows_{radius}")) for radius, embedding in enumerate(self.embeddings, 1)]
        total: Tensor = sum(rows[1:], rows[0])
        assert len(total) == NUM_PATTERNS
        return total

    def captured_row(self, captured: Tensor) -> Tensor:
        """float[B, channels]: the contribution of the captured stones uint8[B, 2] to each point."""
        counts = captured.long()
        total: Tensor = self.captured(counts[:, 0]) + self.captured(counts[:, 1] + MAX_CAPTURED + 1)
        return total

    def forward(self, patterns: Tensor, captured: Tensor, near: Tensor) -> Tensor:
        """See the class."""
        batch, points = patterns.shape[:2]
        size = round(points**0.5)
        rows = F.embedding_bag(patterns.reshape(-1, 4).int(), self.table(), mode="sum").view(batch, points, -1)
        features = torch.relu(rows + self.captured_row(captured)[:, None]) * near[:, :, None]
        convolved = self.depthwise(features.view(batch, size, size, -1).permute(0, 3, 1, 2))
        return torch.relu(convolved) * near.view(-1, 1, size, size)


class NearHeads(Heads):
    """Policy and value from the trunk's features; the policy channels are computed only for points near a stone.

    A depthwise 3x3 convolution adds those of a point's neighbours. The value reads the mean and maximum over the board
    of the features and of the policy channels. Points that are not near count as 0.
    """

    def __init__(self, channels: int, policy_channels: int, value_hidden: int) -> None:
        super().__init__(channels, policy_channels, value_hidden)
        self.neighbours = nn.Conv2d(policy_channels, policy_channels, 3, padding=1, groups=policy_channels)
        self.hidden_near = nn.Linear(2 * policy_channels, value_hidden, bias=False)

    def read_near(self, features: Tensor, near: Tensor) -> tuple[Tensor, Tensor]:
        """As Heads.read, with near bool[B, S * S]."""
        mask = near.view(-1, 1, *features.shape[2:])
        pooled = pool(features)
        alone = torch.relu(self.point(features) + self.pooled_bias(pooled)[:, :, None, None]) * mask
        points = torch.relu(alone + self.neighbours(alone)) * mask
        return points, torch.relu(self.hidden(pooled) + self.hidden_near(pool(points)))


class Mixnet(TwoHeaded):
    """Line features, then heads for near points; all other points share one learned policy logit."""

    input_form = LINES
    trunk: LineFeatures
    heads: NearHeads

    def __init__(
        self, channels: int = 128, policy_channels: int = POLICY_CHANNELS, value_hidden: int = VALUE_HIDDEN
    ) -> None:
        super().__init__(LineFeatures(channels), NearHeads(channels, policy_channels, value_hidden))
        self.far = nn.Parameter(torch.tensor(FAR_LOGIT))

    def read(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """See TwoHeaded.read."""
        return self.heads.read_near(self.trunk(*inputs), inputs[2].bool())

    def judge(self, points: Tensor, board: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """See TwoHeaded.judge."""
        policy, value = super().judge(points, board, *inputs)
        return torch.where(inputs[2].bool(), policy, self.far), value

    def initialise(self) -> None:
        """Initialises the weights as in the other networks, and the embeddings with DEVIATIONS."""
        super().initialise()
        for embedding, deviation in zip(self.trunk.embeddings, DEVIATIONS, strict=True):
            nn.init.normal_(embedding.weight, std=deviation)  # type: ignore[arg-type]
        nn.init.zeros_(self.trunk.captured.weight)
        nn.init.normal_(self.heads.neighbours.weight, std=NEIGHBOURS_DEVIATION)
