"""Records into weights: batches, losses, the learner, and the session that keeps a checkpoint up to date."""

from alphapente.training.session import train

__all__ = ["train"]
