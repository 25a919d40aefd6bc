"""Training: batches of records, losses, the learner, and the session that updates a checkpoint."""

from alphapente.training.session import train

__all__ = ["train"]
