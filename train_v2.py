"""Trains a model on the records of the database: `python train_v2.py --help` lists the flags."""

import bootstrap

if __name__ == "__main__":
    bootstrap.run("train")
