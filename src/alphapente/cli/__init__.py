"""The command `alphapente`: parses arguments, calls the library, prints results.

Exports modules; `app` lists the subcommands. May import all other packages.
"""
