"""Passes events from the search threads to the event loop, and to the browser as server-sent events.

The format is that of the HTML standard, section 9.2.5: "event:" and "data:" lines, a blank line after each event.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, Generic, TypeVar

from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from alphapente.web.errors import describe
from alphapente.web.schemas import Error

T = TypeVar("T")
KEEP_ALIVE_S = 10.0
"""A comment is sent after this time without events, so that a lost connection is noticed."""


def event(name: str, data: BaseModel) -> str:
    """One event as text."""
    return f"event: {name}\ndata: {data.model_dump_json()}\n\n"


def error_event(error: Exception) -> str:
    """An error as the last event of a stream."""
    _, code, message = describe(error)
    return event("error", Error(code=code, message=" ".join(message.split())))


class Mailbox(Generic[T]):
    """Passes items from other threads to the event loop that made it. Only the newest unread item is kept."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._arrived = asyncio.Event()
        self._newest: list[T] = []

    def put(self, item: T) -> None:
        """May be called by any thread. Items after the end of the loop are lost."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._take_in, item)

    def _take_in(self, item: T) -> None:
        self._newest = [item]
        self._arrived.set()

    async def get(self) -> T:
        """Waits for the newest item."""
        await self._arrived.wait()
        self._arrived.clear()
        return self._newest.pop()


class EventStream(StreamingResponse):
    """A response of events. `on_end_fn` is called when it ends for any reason, also when the client disconnects."""

    def __init__(self, events: AsyncIterator[str], on_end_fn: Callable[[], None] = lambda: None) -> None:
        headers = {"X-Accel-Buffering": "no"}
        super().__init__(_kept_alive(events), media_type="text/event-stream", headers=headers)
        self._on_end_fn = on_end_fn

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See StreamingResponse."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._on_end_fn()


def described(events: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI responses of a stream. Each field of `events` is an event: its name and its data."""
    content = {"text/event-stream": {"schema": {"type": "string"}}}
    return {200: {"description": "A stream of events; their data, by name.", "content": content, "model": events}}


async def _kept_alive(events: AsyncIterator[str]) -> AsyncIterator[str]:
    """The events, with comments during long pauses. An error becomes the last event."""
    coming: asyncio.Task[str | None] | None = None
    try:
        while True:
            if coming is None:
                coming = asyncio.ensure_future(_next(events))
            done, _ = await asyncio.wait({coming}, timeout=KEEP_ALIVE_S)
            if not done:
                yield ": still here\n\n"
                continue
            text, coming = coming.result(), None
            if text is None:
                return
            yield text
    except Exception as error:  # the response has begun: the error can only be reported in it
        yield error_event(error)
    finally:
        if coming is not None:
            coming.cancel()


async def _next(events: AsyncIterator[str]) -> str | None:
    return await anext(events, None)
