"""Runs on the web page: their configurations, processes, state, logs, curves, ratings and diagnosis.

Exports modules; start with `context` (a run) and `control` (starts and stops it). May import what `web` may.
"""
