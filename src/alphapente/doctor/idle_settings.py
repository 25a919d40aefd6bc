"""Settings that other settings make ineffective or harmful: a table of rules."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from alphapente.config import Config, keys
from alphapente.doctor.findings import CheckResult, Finding, Passed, Severity
from alphapente.doctor.run_data import RunData
from alphapente.network.device import num_cores
from alphapente.pipeline.run_faults import run_faults


class Rule(NamedTuple):
    """`key` has no effect if `idle(config)`; `why`, and `instead`, a setting with which it has an effect."""

    key: str
    idle: Callable[[Config], bool]
    why: str
    instead: str
    always: bool = False
    """Report the rule also if the key has its default value."""


def _puct(config: Config) -> bool:
    return config.search.root == "puct"


def _noiseless(config: Config) -> bool:
    return config.generation.mcts_random == 0


def _never_decided(config: Config) -> bool:
    return config.generation.decided_value == 1


RULES = (
    Rule(
        "search.considered_points",
        lambda c: not _puct(c) and c.search.considered_points > c.generation.simulations,
        "it is limited by the number of simulations (generation.simulations)",
        "generation.simulations=32",
        always=True,
    ),
    Rule("search.considered_points", _puct, "only a Gumbel root uses it", "search.root=gumbel"),
    Rule("search.value_scale", _puct, "only a Gumbel root uses it", "search.root=gumbel"),
    Rule("search.visit_offset", _puct, "only a Gumbel root uses it", "search.root=gumbel"),
    Rule(
        "search.noise_concentration",
        _noiseless,
        "there is no noise if generation.mcts_random is 0",
        "generation.mcts_random=0.25",
    ),
    Rule(
        "search.root_policy_temperature",
        _noiseless,
        "the policy temperature applies only with noise, and generation.mcts_random is 0",
        "generation.mcts_random=0.25",
    ),
    Rule(
        "search.root_policy_temperature_final",
        _noiseless,
        "the policy temperature applies only with noise, and generation.mcts_random is 0",
        "generation.mcts_random=0.25",
    ),
    Rule(
        "search.root_policy_temperature_half_life",
        lambda c: c.search.root_policy_temperature_final in (None, c.search.root_policy_temperature),
        "the root's policy temperature is constant (search.root_policy_temperature_final)",
        "search.root_policy_temperature_final=1.1",
    ),
    Rule(
        "search.noise_shaped",
        _noiseless,
        "there is no noise if generation.mcts_random is 0",
        "generation.mcts_random=0.25",
    ),
    Rule("search.forced_playouts", lambda c: not _puct(c), "only a PUCT root has forced playouts", "search.root=puct"),
    Rule(
        "search.forced_playouts",
        lambda c: _puct(c) and _noiseless(c),
        "playouts are forced only with noise, and generation.mcts_random is 0",
        "generation.mcts_random=0.25",
    ),
    Rule(
        "search.virtual_loss",
        lambda c: c.search.leaves_at_once == 1,
        "only one leaf at a time awaits the network if search.leaves_at_once is 1",
        "search.leaves_at_once=8",
    ),
    *(
        Rule(
            f"pipeline.promotion_{name}",
            lambda c: c.pipeline.promotion == "off",
            "no network is tested if pipeline.promotion is off",
            "pipeline.promotion=sprt",
        )
        for name in ("simulations", "elo0", "elo1", "alpha", "beta", "max_pairs")
    ),
    Rule(
        "generation.temperature_half_life",
        lambda c: c.generation.mcts_temperature <= c.generation.temperature_final,
        "the temperature starts at its final value (generation.temperature_final)",
        "generation.mcts_temperature=1.0",
    ),
    Rule(
        "generation.temperature_final",
        lambda c: c.generation.temperature_final > c.generation.mcts_temperature,
        "the temperature never rises above generation.mcts_temperature",
        "generation.temperature_final=0.2",
    ),
    Rule(
        "generation.policy_opening_temperature",
        lambda c: c.generation.policy_opening_plies == 0,
        "no plies are drawn from the network's policy (generation.policy_opening_plies is 0)",
        "generation.policy_opening_plies=6",
    ),
    Rule(
        "generation.cheap_simulations",
        lambda c: c.generation.full_search_share == 1 and _never_decided(c),
        "every search is a full search (generation.full_search_share and decided_value are 1)",
        "generation.full_search_share=0.25",
    ),
    Rule(
        "generation.full_search_share",
        lambda c: c.generation.full_search_share < 1 and c.generation.cheap_simulations >= c.generation.simulations,
        "cheap searches have at least the simulations of full ones (generation.cheap_simulations), so their only "
        "effect is to have no policy target",
        "generation.full_search_share=1.0",
    ),
    Rule(
        "generation.decided_turns",
        _never_decided,
        "no game counts as decided if generation.decided_value is 1",
        "generation.decided_value=0.95",
    ),
    Rule(
        "generation.decided_weight",
        _never_decided,
        "no game counts as decided if generation.decided_value is 1",
        "generation.decided_value=0.95",
    ),
    Rule(
        "training.sample_top_percent",
        lambda c: c.training.sample_strategy != "top_random",
        "only the strategy top_random uses it",
        "training.sample_strategy=top_random",
    ),
    *(
        Rule(
            f"training.window.{name}",
            lambda c: c.training.sample_strategy != "window",
            "only the strategy window uses it",
            "training.sample_strategy=window",
        )
        for name in ("records", "exponent", "slope")
    ),
    Rule(
        "training.augmentation.orientations",
        lambda c: not c.training.augmentation.enabled,
        "training.augmentation.enabled is false",
        "training.augmentation.enabled=true",
    ),
    Rule(
        "training.final_rate_fraction",
        lambda c: c.training.final_rate_epochs == 0,
        "there are no last steps (training.final_rate_epochs is 0)",
        "training.final_rate_epochs=0.3",
    ),
    Rule(
        "training.final_rate_epochs",
        lambda c: c.training.final_rate_fraction == 1,
        "the last steps have the same learning rate as the others (training.final_rate_fraction is 1)",
        "training.final_rate_fraction=0.25",
    ),
    Rule(
        "training.average_decay",
        lambda c: c.training.average_decay == 0,
        "at 0 there is no EMA: the weights of the last step play",
        "training.average_decay=0.99",
        always=True,
    ),
    Rule(
        "training.value_loss_weight",
        lambda c: c.training.value_loss_weight == 0,
        "at 0 the value learns nothing, and the search relies on it",
        "training.value_loss_weight=1.0",
        always=True,
    ),
    Rule(
        "pipeline.training_cycles_per_generation",
        lambda c: c.pipeline.training_cycles_per_generation == 0,
        "at 0 a run never trains",
        "pipeline.training_cycles_per_generation=1",
        always=True,
    ),
    Rule(
        "generation.games",
        lambda c: c.generation.games is not None and c.generation.games >= c.generation.record_limit,
        "a game has more than one record, so generation.record_limit ends the generation first",
        "generation.games=null",
    ),
)
"""Rules without `always` apply only to keys whose value differs from the default."""


def settings_effective(run: RunData) -> CheckResult:
    """Reports settings that have no effect or a harmful one in combination with the others."""
    config, defaults = run.config, Config()
    findings = [
        Finding(
            Severity.HINT,
            f"{rule.key} has no effect",
            f"it is {config.value_at(rule.key)!r}; {rule.why}",
            "Remove it, or change the setting that disables it.",
            (rule.instead,),
        )
        for rule in RULES
        if rule.idle(config) and (rule.always or config.value_at(rule.key) != defaults.value_at(rule.key))
    ]
    findings += [
        Finding(
            Severity.CRITICAL if fault.useless else Severity.WARNING,
            fault.title,
            fault.evidence,
            fault.advice,
            fault.settings,
        )
        for fault in run_faults(run.configured)
    ]
    findings += _last_steps(config)
    findings += _oversubscribed(config)
    return findings or Passed(f"{len(RULES)} rules checked {len(keys())} settings")


def _last_steps(config: Config) -> Iterator[Finding]:
    if config.training.final_rate_epochs == 1 and config.training.final_rate_fraction < 1:
        yield Finding(
            Severity.HINT,
            "All steps of a training are its last steps",
            "training.final_rate_epochs is 1: every step runs at "
            f"{config.training.final_rate_fraction:g} of training.learning_rate",
            "Lower the learning rate itself, or remove the setting.",
            ("training.final_rate_epochs=0",),
        )


def _oversubscribed(config: Config) -> Iterator[Finding]:
    cores = num_cores()
    workers, threads = config.generation.workers, config.network.threads_per_worker
    wanted = (workers or cores) * threads
    if wanted > cores and config.network.device in ("auto", "openvino", "cpu"):
        yield Finding(
            Severity.WARNING,
            "More threads than cores",
            f"{workers or cores} workers (generation.workers {workers}) of {threads} threads need {wanted} cores, and "
            f"there are {cores}",
            "Threads that share a core are slower than one thread per core.",
            ("generation.workers=0", "network.threads_per_worker=1"),
        )
