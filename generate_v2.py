"""Plays self-play games and stores their records in the database: `python generate_v2.py --help` lists the flags."""

import bootstrap

if __name__ == "__main__":
    bootstrap.run("generate")
