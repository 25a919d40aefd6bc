"""The command `alphapente`: parses, calls, prints."""
