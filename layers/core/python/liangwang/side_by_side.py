"""Several courses of calls to others, side by side: one that waits for its answer keeps nobody waiting.

A *course* is a generator: it yields calls (to somebody else's system) and gets their answers, or has their errors raised in
it. Calls run in threads of their own; the courses themselves, with what they write and send, run in ours, one at a time.
"""

from collections.abc import Callable, Generator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")

Call = Callable[[], Any]

Course = Generator[Call, Any, T]
"""Yields calls, is sent their answers, returns what came of it."""


def alone(course: "Course[T]") -> T:
    """One course, here and now. Raises what it raises."""
    try:
        call = next(course)
        while True:
            try:
                answer = call()
            except Exception as error:
                call = course.throw(error)
            else:
                call = course.send(answer)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def side_by_side(courses: "Mapping[str, Course[T]]") -> "dict[str, T | Exception]":
    """What came of each course, by its name; an error where it raised one. One alone needs no thread."""
    if len(courses) == 1:
        ((name, course),) = courses.items()
        try:
            return {name: alone(course)}
        except Exception as error:
            return {name: error}
    return _Run(courses).results


class _Run:
    def __init__(self, courses: Mapping[str, Course[Any]]) -> None:
        self.results: dict[str, Any] = {}
        self._running: dict[Future[Any], str] = {}
        self._pool = ThreadPoolExecutor(max(1, len(courses)), thread_name_prefix="beside")
        with self._pool:
            for name, course in courses.items():
                self._advance(name, partial(next, course))
            while self._running:
                done, _ = wait(self._running, return_when=FIRST_COMPLETED)
                for future in done:
                    name = self._running.pop(future)
                    error = future.exception()
                    going_on = courses[name].send if error is None else courses[name].throw
                    self._advance(name, partial(going_on, future.result() if error is None else error))

    def _advance(self, name: str, step: Callable[[], Call]) -> None:
        try:
            call = step()
        except StopIteration as end:
            self.results[name] = end.value
        except Exception as error:
            self.results[name] = error
        else:
            self._running[self._pool.submit(call)] = name
