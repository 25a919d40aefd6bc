"""Settings by which a run learns nothing: reported when it starts, in its log and its status."""

from pathlib import Path

from alphapente.config import Config
from alphapente.pipeline.run_faults import run_faults
from alphapente.pipeline.run_view import view_folder
from tests.pipeline.runs import notes, run_here
from tests.pipeline.scheduler import settings

ONE_CYCLE = ("pipeline.generation_cycles=1", "pipeline.training_cycles_per_generation=1")
SAME_GAME = ("generation.opening_plies=0", "generation.mcts_temperature=0", "generation.mcts_random=0")
STAGES = 'pipeline.curriculum=[{"board_size": 7, "records": %d}, {"board_size": 9, "minutes": 1}, {}]'


def titles(config: Config) -> list[str]:
    return [fault.title for fault in run_faults(config)]


def test_a_run_that_trains_another_model_than_it_plays_warns_at_its_start(tmp_path: Path) -> None:
    events = run_here(tmp_path, "generation.model_type=resnet", *ONE_CYCLE)
    warning = (
        "warning: Self-play plays another model than training trains: generation.model_type is 'resnet', "
        f"training.model_type is 'simple'; there is no {tmp_path}/resnet_model.pt, so self-play always plays a fresh "
        "network. What is learned is never played: name the same model in both. (--set generation.model_type=simple)"
    )
    assert warning in notes(events)
    log = next((tmp_path / "logs").glob("pipeline_*.log")).read_text()
    assert warning in log
    status = view_folder(tmp_path).status
    assert status is not None
    assert warning in [text for _, text in status.notes]


def test_a_usual_run_has_no_warnings(tmp_path: Path) -> None:
    assert "warning" not in notes(run_here(tmp_path, *ONE_CYCLE))
    assert titles(Config()) == []


def test_an_existing_network_that_is_never_trained_plays_unchanged(tmp_path: Path) -> None:
    (tmp_path / "resnet_model.pt").touch()
    (fault,) = run_faults(settings(tmp_path, "generation.model_type=resnet"))
    assert not fault.useless
    assert f"self-play plays {tmp_path}/resnet_model.pt as it is" in fault.evidence


def test_self_play_without_randomness(tmp_path: Path) -> None:
    assert titles(settings(tmp_path, *SAME_GAME)) == ["Self-play plays the same game again and again"]
    assert titles(settings(tmp_path, *SAME_GAME, STAGES % 10)) == [
        f"Self-play plays the same game again and again in stage {stage} of pipeline.curriculum" for stage in (1, 2, 3)
    ]
    for chance in (
        "generation.opening_plies=1",
        "generation.policy_opening_plies=1",
        "generation.random_move_rate=0.01",
        "generation.mcts_temperature=0.1",
        "generation.mcts_random=0.1",
        "generation.full_search_share=0.5",
    ):
        assert titles(settings(tmp_path, *SAME_GAME, chance)) == []


def test_a_stage_that_the_run_ends_before(tmp_path: Path) -> None:
    """The run makes 100 records."""
    (fault,) = run_faults(settings(tmp_path, STAGES % 100))
    assert fault.title == "Stage 2 of pipeline.curriculum is beyond the run's end"
    assert titles(settings(tmp_path, STAGES % 99)) == []
    assert titles(settings(tmp_path, STAGES % 100, *fault.settings)) == [], "the advice helps"
    assert titles(settings(tmp_path, STAGES % 99, "pipeline.total_records_target=99")) != []
