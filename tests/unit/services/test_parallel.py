"""Asking about many things at once."""

import threading
import time

import pytest

from monitoring.services.parallel import in_parallel


def test_every_item_is_worked_on_once_and_several_at_a_time() -> None:
    done: list[int] = []
    all_wait = threading.Barrier(4, timeout=10)

    def work(item: int) -> None:
        if item < 4:
            all_wait.wait()  # breaks unless four are at work at the same time
        done.append(item)

    in_parallel(work, range(20), threads=4)

    assert sorted(done) == list(range(20))


def test_the_first_error_is_raised_and_nothing_more_is_begun() -> None:
    begun: list[int] = []

    def work(item: int) -> None:
        begun.append(item)
        time.sleep(0.01)
        raise ValueError(str(item))

    with pytest.raises(ValueError, match="9"):
        in_parallel(work, range(10), threads=1)

    assert begun == [9]
