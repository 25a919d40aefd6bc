"""Benchmarks of AlphaPente on this machine: each value beside its floor, measured in the same process.

Exports modules; `suite` lists the benchmarks. May import `doctor` and what that may.
"""
