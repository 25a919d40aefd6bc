"""The web page and its API: play, analysis and review for many visitors, and the run in progress.

Exports modules; `app` makes the server. May import `doctor` and what that may.
"""
