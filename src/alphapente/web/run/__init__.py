"""Runs on the web page: their configurations, processes, state, logs, curves, ratings and diagnosis."""
