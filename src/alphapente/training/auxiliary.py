"""Auxiliary heads, which only training has: they improve the trunk by further targets, and are not used in play.

Each reads the same features as the model's own heads (KataGo, Wu 2019, section 3.4, and docs/KataGoMethods.md).
"""

from torch import Tensor, nn

from alphapente.config import AuxiliarySettings
from alphapente.errors import RequestError
from alphapente.network.models import TwoHeaded


def weights_of(settings: AuxiliarySettings) -> dict[str, float]:
    """The weight in the loss of each auxiliary target in use, by the name of its setting."""
    return {name: weight for name, weight in settings if weight > 0}


class Auxiliary(nn.ModuleDict):
    """The heads of the named targets: "reply", "soft_policy" (a logit a point), "captured" (2), "plies_left" (1).

    Their weights start at 0, so they do not depend on the seed. Raises RequestError for a user-defined model that does
    not derive from TwoHeaded.
    """

    def __init__(self, model: nn.Module, names: list[str]) -> None:
        super().__init__()
        if not names:
            return
        if not isinstance(model, TwoHeaded):
            raise RequestError(
                f"training.auxiliary needs a model with the built-in heads, and {type(model).__name__} has its own: "
                "derive it from alphapente.network.models.TwoHeaded, or set the weights under training.auxiliary to 0"
            )
        points, board = model.heads.policy.in_channels, model.heads.value.in_features
        heads: dict[str, nn.Module] = {
            "reply": nn.Conv2d(points, 1, 1, bias=False),
            "soft_policy": nn.Conv2d(points, 1, 1, bias=False),
            "captured": nn.Linear(board, 2),
            "plies_left": nn.Linear(board, 1),
        }
        self.update({name: heads[name] for name in names})
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def forward(self, points: Tensor, board: Tensor) -> dict[str, Tensor]:
        """The features of `TwoHeaded.read` to outputs [B, S * S], [B, S * S], [B, 2] and [B, 1], by name."""
        return {name: head(points if isinstance(head, nn.Conv2d) else board).flatten(1) for name, head in self.items()}


class Taught(nn.Module):
    """A model with its auxiliary heads: maps inputs to policy logits, value logits and the outputs of the heads."""

    def __init__(self, model: TwoHeaded, auxiliary: Auxiliary) -> None:
        super().__init__()
        self.model, self.auxiliary = model, auxiliary

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """The model's own inputs to its outputs and those of the heads; see TwoHeaded and Auxiliary."""
        points, board = self.model.read(*inputs)
        policy, value = self.model.judge(points, board, *inputs)
        return policy, value, self.auxiliary(points, board)
