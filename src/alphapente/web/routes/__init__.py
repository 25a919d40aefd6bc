"""The routes of the API, one module for each subject. May import what `web` may; only `web.app` imports them."""
