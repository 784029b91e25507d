"""Shared by all tests: answers go nowhere, hypothesis has no deadlines (the machine is shared), caches are apart."""

import os

import pytest
from hypothesis import settings

settings.register_profile("course", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("course")
# Inherited by kernels, too.
os.environ |= {"COURSE_PROGRESS": os.devnull, "COURSE_FOLDERS": os.devnull}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """No test reads or writes the real data/cache, in this process or in one that it starts."""
    monkeypatch.setenv("COURSE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("course_lib.cache.CACHE", tmp_path / "cache")
