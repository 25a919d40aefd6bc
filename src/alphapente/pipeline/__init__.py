"""Cycles of generation and training: steps, state, logs, and resumption of an interrupted run."""

from alphapente.pipeline.runner import run

__all__ = ["run"]
