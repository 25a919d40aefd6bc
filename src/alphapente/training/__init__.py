"""Training: batches of records, losses, the learner, and the session that updates a checkpoint.

Exports `train`, one training. May import `records` and what that may.
"""

from alphapente.training.session import train

__all__ = ["train"]
