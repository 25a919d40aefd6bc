"""Reads the configuration: `python config_loader.py [FILE] [--set KEY=VALUE]` prints it; code imports `load_config`."""

import bootstrap

if __name__ == "__main__":
    bootstrap.run("config", "show")

from alphapente.config import Config, ConfigError, load_config  # only here: before, it may not be installed

__all__ = ["Config", "ConfigError", "load_config"]
