"""Benchmarks of AlphaPente on this machine: each value beside its floor, measured in the same process."""
