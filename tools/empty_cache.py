"""A cache folder that is empty, as a newcomer's is."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "COURSE_CACHE_DIR"


@contextmanager
def empty_cache() -> Iterator[str]:
    """COURSE_CACHE_DIR names a new, empty folder, for processes that are started meanwhile; then what it named before.

    >>> before = os.environ.get(VARIABLE)
    >>> with empty_cache() as folder:
    ...     os.environ[VARIABLE] == folder, os.listdir(folder)
    (True, [])
    >>> os.environ.get(VARIABLE) == before, os.path.exists(folder)
    (True, False)
    """
    before = os.environ.get(VARIABLE)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[VARIABLE] = folder
        try:
            yield folder
        finally:
            if before is None:
                del os.environ[VARIABLE]
            else:
                os.environ[VARIABLE] = before
