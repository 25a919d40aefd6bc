"""AlphaPente learns to play Pente from nothing but the rules: self-play, records, training, and play."""

__version__ = "0.1.0"
