"""The page in the browser, and the API under it: play, analysis, review, and the run as it goes."""
