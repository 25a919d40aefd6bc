"""The database of games and records: stores, samples for training, exports, imports and checks them.

Exports modules; start with `store` (the database) and `model` (its data). May import `search` and what that may.
"""
