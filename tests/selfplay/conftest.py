"""For tests of self-play: everything is compiled before the first one, as it is whenever games are played."""

import pytest

from alphapente.selfplay.compilation import compile_kernels


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Else the first generation would compile, and one that is stopped at once would play nothing."""
    compile_kernels()
