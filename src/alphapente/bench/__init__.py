"""What this machine does with AlphaPente, measured: each figure beside its floor, taken in the same process."""
