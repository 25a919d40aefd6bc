"""Compiles the search kernels before a command that needs them, with progress on standard error."""

from rich.console import Console

from alphapente.events import CompilationProgress
from alphapente.pipeline.lines import PlainLines, describe


def compile_with_progress() -> None:
    """Compiles the search kernels if necessary. Raises FailureError if that fails."""
    from alphapente.selfplay.compilation import NOTICE, compile_kernels, is_compiled

    if is_compiled():
        return
    console = Console(stderr=True, highlight=False)
    console.print(NOTICE)
    if not console.is_terminal:
        compile_kernels(PlainLines(console.print))
        return
    with console.status(NOTICE) as status:

        def show(progress: CompilationProgress) -> None:
            status.update(describe(progress))

        compile_kernels(show)
