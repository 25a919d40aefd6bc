"""Inputs of networks, models, checkpoints, and evaluators of one interface: OpenVINO, PyTorch and own kernels.

Exports modules, since torch is slow to import; start with `evaluator` (the interface) and `load`. May import `rules`
and what that may.
"""
