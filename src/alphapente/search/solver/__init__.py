"""Forced wins without a network: VCF and VCT by threat-space search, proof-number search, relevance zones.

Exports modules; start with `solve`. May import `search.layout`, `rules`, and what that may.
"""
