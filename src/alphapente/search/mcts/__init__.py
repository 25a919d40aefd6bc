"""Monte Carlo tree search: selection, expansion and backup over arrays, and the Gumbel and PUCT roots."""
