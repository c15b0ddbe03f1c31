"""What clients ask of a gateway, counted: how often, how it went, how long it took.

In: requests on their way from the doors to the router, which this stands before. Out: figures for
`health.py`. Wired by `gateway_process.py`. Invariants: a request is counted once, when its answer
is there; what is counted is what clients hear, by DynamoDB's own names of operations and errors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from stator_core.errors import DynamoDBError
from stator_core.exposition import Family, Histogram, Labels
from stator_node.doors import Caller, Clock, Executor
from stator_node.pending import Pending

# Upper bounds of what a request takes, in seconds: from a read in memory to the gateway's patience.
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
UNFORESEEN: Final = "InternalServerError"  # what clients hear of anything else


class CountedExecutor:
    """The executor behind it, with counts."""

    def __init__(self, executor: Executor, clock: Clock) -> None:
        self._executor = executor
        self._clock = clock
        self._durations: dict[str, Histogram] = {}
        self._outcomes: Counter[tuple[str, str]] = Counter()  # operation and error, or ""

    @property
    def operations(self) -> frozenset[str]:
        return self._executor.operations

    def execute(
        self, operation: str, body: dict[str, Any], caller: Caller
    ) -> bytes | Pending[bytes]:
        """What the executor answers. Raises, or fails with, what it does."""
        began = self._clock.monotonic()
        try:
            answer = self._executor.execute(operation, body, caller)
        except BaseException as error:
            self._count(operation, began, error)
            raise
        if not isinstance(answer, Pending):
            self._count(operation, began, None)
            return answer
        counted: Pending[bytes] = Pending()

        def done(pending: Pending[bytes]) -> None:
            self._count(operation, began, pending.error)
            if pending.error is not None:
                counted.fail(pending.error)
            else:
                counted.resolve(pending.result())

        answer.listen(done)
        return counted

    def families(self) -> Iterator[Family]:
        """The figures."""
        outcomes = [
            ("", {"operation": operation, "error": error}, count)
            for (operation, error), count in sorted(self._outcomes.items())
        ]
        yield Family(
            "stator_gateway_requests_total",
            "counter",
            "requests that were answered, by what clients heard",
            outcomes,
        )
        yield Family(
            "stator_gateway_request_seconds",
            "histogram",
            "how long a request took, signature and transport left out",
            self._duration_samples(),
        )

    def _duration_samples(self) -> Iterator[tuple[str, Labels, float]]:
        for operation, histogram in sorted(self._durations.items()):
            yield from histogram.samples({"operation": operation})

    def _count(self, operation: str, began: float, error: BaseException | None) -> None:
        # A name that no operation has comes from the client: it must not make a figure of its own.
        known = operation if operation in self._executor.operations else "unknown"
        histogram = self._durations.get(known)
        if histogram is None:
            histogram = self._durations[known] = Histogram(BUCKETS)
        histogram.add(self._clock.monotonic() - began)
        self._outcomes[known, _name_of(error)] += 1


def _name_of(error: BaseException | None) -> str:
    if error is None:
        return ""
    return type(error).__name__ if isinstance(error, DynamoDBError) else UNFORESEEN
