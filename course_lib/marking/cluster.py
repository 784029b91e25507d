"""Marks on a cluster: the processes of a dask.distributed scheduler in place of those of one machine (an extra)."""

from collections import Counter
from concurrent.futures import Future

from course_lib.marking.cage import find_cage
from course_lib.marking.grades import TRIES, Class
from course_lib.marking.mark import Prepared, mark
from course_lib.marking.release import Release
from course_lib.marking.report import Report


class Cluster:
    """The workers of a scheduler; each marks one submission at a time. As `grades.Pool`.

    Args:
        address: of the scheduler, as "tcp://10.0.0.1:8786".
    Raises:
        ImportError: dask.distributed is not installed.
        OSError: nobody answers at the address.
    """

    def __init__(self, address: str):
        try:
            from distributed import Client
            from distributed.scheduler import KilledWorker
        except ImportError:
            raise ImportError(
                "marking on a cluster needs an extra: make environment EXTRAS=cluster"
            ) from None
        self.broken, self._tries = (KilledWorker,), Counter()
        self._client = Client(address, timeout="20s")

    def places(self) -> int:
        """Two for each worker, so that none waits for the next one."""
        return 2 * max(1, len(self._client.scheduler_info(n_workers=-1)["workers"]))

    def submit(self, read: Prepared, room: Class) -> Future:
        # a worker that dies loses nothing: dask gives its work to another one
        sent = self._client.submit(_mark_there, read, room.release, room.secret, pure=False)
        future = Future()
        sent.add_done_callback(lambda done: _pass_on(done, future))
        return future

    def again(self, student: str) -> bool:
        """Whether to try once more."""
        self._tries[student] += 1
        return self._tries[student] < TRIES

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_) -> None:
        self._client.close()


def _mark_there(read: Prepared, release: Release, secret: str) -> Report:
    return mark(read, release, secret, find_cage())


def _pass_on(done, future: Future) -> None:
    """What came of dask's future, to one that `concurrent.futures.wait` knows."""
    error = done.exception()
    if error is None:
        future.set_result(done.result())
    else:
        future.set_exception(error)
