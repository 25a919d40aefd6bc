"""`python -m alphapente`: the same as the command `alphapente`."""

from alphapente.cli.app import main

if __name__ == "__main__":
    main()
