"""Asking a service about many things at once."""

import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")


def in_parallel(work: Callable[[Item], None], items: Iterable[Item], *, threads: int) -> None:
    """Call `work` for each item from several threads, and return when all are done.

    Raises the first error, once every thread has ended; no further item is then begun. A signal's
    exception passes through at once: the threads are daemons and end with the process.
    """
    waiting = list(items)
    errors: list[BaseException] = []

    def work_off(ended: threading.Event) -> None:
        try:
            while waiting and not errors:
                try:
                    item = waiting.pop()
                except IndexError:  # another thread was faster
                    return
                work(item)
        except BaseException as error:
            errors.append(error)
        finally:
            ended.set()

    all_ended = [threading.Event() for _ in range(min(threads, len(waiting)))]
    for ended in all_ended:
        threading.Thread(target=work_off, args=(ended,), daemon=True).start()
    for ended in all_ended:
        ended.wait()
    if errors:
        raise errors[0]
