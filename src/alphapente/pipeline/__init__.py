"""Cycles of generation and training: state kept, logs written, taken up again where they stopped."""

from alphapente.pipeline.runner import run

__all__ = ["run"]
