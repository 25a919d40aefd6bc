"""The typed settings. Precedence: built-in defaults < an extended file < the file < the command line.

Exports `Config`, its sections, `load_config` and the list of keys. May import only the modules beside the packages.
"""

from alphapente.config.catalogue import keys
from alphapente.config.config import Config, in_stage, stage_overrides, stage_sizes
from alphapente.config.key_list import Key
from alphapente.config.loading import LoadedConfig, default_config_path, load_config, load_layers
from alphapente.config.model_settings import BUILT_IN_CLASSES, ModelSettings, complete_sizes
from alphapente.config.refusal import ConfigError
from alphapente.config.section import value_at
from alphapente.config.settings import (
    AugmentationSettings,
    AuxiliarySettings,
    Device,
    GameSettings,
    GenerationSettings,
    NetworkSettings,
    PipelineSettings,
    RecordsSettings,
    SampleStrategy,
    SearchSettings,
    StageSettings,
    TrainingSettings,
    Variant,
    WindowSettings,
)
from alphapente.config.web_settings import WebSettings

__all__ = [
    "BUILT_IN_CLASSES",
    "AugmentationSettings",
    "AuxiliarySettings",
    "Config",
    "ConfigError",
    "Device",
    "GameSettings",
    "GenerationSettings",
    "Key",
    "LoadedConfig",
    "ModelSettings",
    "NetworkSettings",
    "PipelineSettings",
    "RecordsSettings",
    "SampleStrategy",
    "SearchSettings",
    "StageSettings",
    "TrainingSettings",
    "Variant",
    "WebSettings",
    "WindowSettings",
    "complete_sizes",
    "default_config_path",
    "in_stage",
    "keys",
    "load_config",
    "load_layers",
    "stage_overrides",
    "stage_sizes",
    "value_at",
]
