"""Hears what the clients of a pool ask of tables: one wait at the pool's supervisor.

In: the asks of a pool's supervisor. Out: calls of `ask_taking.py`, one after the other. Run by
`each_pool.py`. Invariant: what is asked is heard again until it was taken up or its client has
given up.
"""

from __future__ import annotations

from dataclasses import dataclass

from stator_operator.ask_plan import ask_of
from stator_operator.ask_taking import Asker, AskTaker

WAIT_SECONDS = 20
ANSWER_SECONDS_MAX = WAIT_SECONDS + 10.0
AWAY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class AskListener:
    """Listens for the taker."""

    taker: AskTaker

    async def once(self, namespace: str, pool: str) -> float:
        """Wait for asks and take them up. The seconds until it is to be done again.

        Raises ApiError, SupervisorAway and SupervisorRefused.
        """
        taker = self.taker
        supervisor = await taker.observer.observer.supervisor(namespace, pool)
        if supervisor is None:
            return AWAY_SECONDS
        path = f"/v1/asks?wait={WAIT_SECONDS}"
        said = await taker.supervisors.ask(supervisor, "GET", path, seconds=ANSWER_SECONDS_MAX)
        for members in said["asks"]:
            await taker.take_up(Asker(namespace, pool, supervisor), ask_of(members))
        return 0.0
