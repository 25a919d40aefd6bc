"""The number of threads follows what is fastest at the moment."""

import torch

from alphapente.training.threads import TRIAL_EVERY_S, ThreadTuner, torch_threads


class Machine:
    """Two cores whose time is made up: seconds a step by number of threads, which a test may change."""

    def __init__(self, costs: dict[int, float]) -> None:
        self.costs, self.now, self.threads = costs, 0.0, 0

    def tuner(self, threads: int = 0, cores: int = 2) -> ThreadTuner:
        return ThreadTuner(threads, cores, lambda: self.now, self.set_threads)

    def set_threads(self, threads: int) -> None:
        self.threads = threads

    def learn(self, tuner: ThreadTuner, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            tuner.begin()
            self.now += self.costs[tuner.threads]
            tuner.end(32)


def test_alone_it_takes_all_cores_and_beside_another_training_one() -> None:
    machine = Machine({1: 0.05, 2: 0.03})
    tuner = machine.tuner()
    machine.learn(tuner, 2)
    assert tuner.threads == machine.threads == 2
    machine.costs = {1: 0.06, 2: 1.0}  # somebody came
    machine.learn(tuner, 10)
    assert tuner.threads == machine.threads == 1
    machine.costs = {1: 0.05, 2: 0.03}  # and went
    machine.learn(tuner, TRIAL_EVERY_S + 2)
    assert tuner.threads == machine.threads == 2


def test_a_hopeless_trial_costs_one_step() -> None:
    machine = Machine({1: 0.05, 2: 1.0})
    tuner = machine.tuner()
    machine.learn(tuner, 5)
    assert tuner.threads == 1
    slow = 0.0
    for _ in range(2000):
        tuner.begin()
        slow += machine.costs[tuner.threads] if tuner.threads == 2 else 0.0
        machine.now += machine.costs[tuner.threads]
        tuner.end(32)
    assert slow <= 2000 * 0.05 / TRIAL_EVERY_S + 1.0


def test_a_number_that_was_asked_for_is_kept() -> None:
    machine = Machine({1: 1.0, 2: 0.03, 3: 5.0})
    for threads, cores in ((3, 2), (0, 1)):
        tuner = machine.tuner(threads, cores)
        machine.learn(tuner, 40)
        assert tuner.threads == (threads or cores)


def test_threads_are_set_back() -> None:
    before = torch.get_num_threads()
    with torch_threads(2) as threads:
        assert threads == torch.get_num_threads() == 2
    assert torch.get_num_threads() == before
