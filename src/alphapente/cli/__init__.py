"""The command `alphapente`: parses arguments, calls the library, prints results."""
