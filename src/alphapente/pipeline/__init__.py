"""Cycles of generation and training: steps, state, logs, and resumption of an interrupted run.

Exports `run`, the whole schedule. May import `arena`, `selfplay`, `training` and what these may.
"""

from alphapente.pipeline.runner import run

__all__ = ["run"]
