"""The option that writes the transcripts of testdata/ anew: `pytest tests/core/raft --rewrite`."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite", action="store_true", help="write Raft's transcripts anew")


@pytest.fixture
def rewrite(request: pytest.FixtureRequest) -> bool:
    """Whether transcripts are to be written instead of compared."""
    return bool(request.config.getoption("--rewrite", default=False))
