"""Certificates are renewed and authorities changed so that no two pods ever refuse each other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

import pytest

from stator_operator.certificate_plan import (
    AUTHORITY_SECONDS,
    DAY_SECONDS,
    AddAuthority,
    ForgetAuthorities,
    Issue,
    KeptAuthority,
    ObservedCertificate,
    ObservedCertificates,
    Step,
    Trust,
    Wanted,
    next_step,
)

SPREAD = 3_600.0
LIFETIME = 90.0 * DAY_SECONDS
NAMES = ("gateway",)
WANTED = Wanted(LIFETIME, SPREAD, NAMES)
HOUR = 3_600.0


@dataclass
class World:
    """A pool's two Secrets, and every version of what pods were ever given."""

    kept: list[KeptAuthority] = field(default_factory=list)
    given: ObservedCertificate | None = None
    rotation: str = ""
    versions: list[tuple[float, ObservedCertificate]] = field(default_factory=list)
    made: int = 0

    def observed(self) -> ObservedCertificates:
        return ObservedCertificates(tuple(self.kept), self.given, self.rotation)

    def carry_out(self, step: Step, now: float) -> None:
        match step:
            case AddAuthority(rotation):
                self.made += 1
                made = KeptAuthority(f"a{self.made}", now, now + AUTHORITY_SECONDS)
                self.kept.append(made)
                self.rotation = rotation
            case ForgetAuthorities(kept):
                self.kept = [each for each in self.kept if each.id == kept]
            case Issue(authority, trusted):
                signs = next(each for each in self.kept if each.id == authority)
                ends_at = min(now + LIFETIME, signs.ends_at)
                made = ObservedCertificate(authority, now, ends_at, trusted, now, NAMES)
                self.give(made, now)
            case Trust(trusted):
                assert self.given is not None
                self.give(replace(self.given, trusted=trusted, changed_at=now), now)

    def give(self, made: ObservedCertificate, now: float) -> None:
        self.given = made
        self.versions.append((now, made))

    def seen(self, now: float) -> list[ObservedCertificate]:
        """What some pod may have at this moment: no pod is later than the spread."""
        current = [made for since, made in self.versions if since > now - SPREAD]
        before = [made for since, made in self.versions if since <= now - SPREAD]
        return [*before[-1:], *current]


def assert_all_accept_each_other(world: World, now: float) -> None:
    seen = world.seen(now)
    for one in seen:
        assert one.ends_at > now, "nobody shows what has ended"
        for other in seen:
            assert one.issuer in other.trusted, f"{one} is refused by {other}"


@pytest.mark.parametrize("seed", range(300))
def test_pods_accept_each_other_whatever_happens_to_the_operator(seed: int) -> None:
    """It is away for days, is killed between two steps, people ask for rotations, keys are lost."""
    random = Random(seed)
    world, now, word = World(), 1_000_000.0, ""
    for _ in range(300):
        if random.random() < 0.02:
            word = f"word-{now}"
        if random.random() < 0.01 and world.given and len(world.seen(now)) == 1:
            world.kept, world.rotation = [], ""
        wanted = replace(WANTED, rotation=word)
        for _ in range(random.randrange(4)):
            step = next_step(wanted, world.observed(), now)
            if step is None:
                break
            world.carry_out(step, now)
        assert_all_accept_each_other(world, now)
        now += random.choice((1, 60, HOUR / 2, HOUR, HOUR * 5, DAY_SECONDS, DAY_SECONDS * 7))
        for moment in (now - 1, now):
            if world.given is not None and world.given.ends_at > moment:
                assert_all_accept_each_other(world, moment)


def run_until_rest(world: World, wanted: Wanted, now: float) -> float:
    """An operator that looks every minute. Returns when it did something for the last time."""
    last = now
    while now <= last + 2 * SPREAD:
        while (step := next_step(wanted, world.observed(), now)) is not None:
            world.carry_out(step, now)
            last = now
        now += 60.0
    return last


def test_a_new_pool_has_all_it_needs_at_once() -> None:
    world = World()

    assert run_until_rest(world, WANTED, 0.0) == 0.0

    assert world.given is not None
    assert (world.given.issuer, world.given.trusted) == ("a1", ("a1",))


def test_a_certificate_is_renewed_when_a_third_is_left_by_the_same_authority() -> None:
    world = World()
    run_until_rest(world, WANTED, 0.0)

    assert next_step(WANTED, world.observed(), LIFETIME * 2 / 3 - 1) is None
    assert next_step(WANTED, world.observed(), LIFETIME * 2 / 3 + 1) == Issue("a1", ("a1",))


def test_a_shorter_lifetime_counts_for_what_there_is() -> None:
    world = World()
    run_until_rest(world, WANTED, 0.0)
    shorter = replace(WANTED, lifetime_seconds=LIFETIME / 3)

    assert next_step(shorter, world.observed(), LIFETIME / 3) == Issue("a1", ("a1",))


def test_other_names_are_signed_at_once() -> None:
    world = World()
    run_until_rest(world, WANTED, 0.0)
    wanted = replace(WANTED, names=("gateway", "other"))

    assert next_step(wanted, world.observed(), 60.0) == Issue("a1", ("a1",))


def test_an_authority_is_replaced_before_it_ends() -> None:
    world = World()
    now = AUTHORITY_SECONDS * 2 / 3 + 1
    world.kept = [KeptAuthority("old", 0.0, AUTHORITY_SECONDS)]
    world.given = ObservedCertificate("old", now, now + LIFETIME, ("old",), 0.0, NAMES)

    end = run_until_rest(world, WANTED, now)

    assert [each.id for each in world.kept] == ["a1"]
    assert (world.given.issuer, world.given.trusted) == ("a1", ("a1",))
    assert end == pytest.approx(now + 2 * SPREAD)


def test_a_word_asks_for_one_new_authority_and_not_for_two() -> None:
    world = World()
    now = run_until_rest(world, WANTED, 0.0)
    wanted = replace(WANTED, rotation="2026-11")

    now = run_until_rest(world, wanted, now + 60)
    assert [each.id for each in world.kept] == ["a2"]

    run_until_rest(world, wanted, now + 60)
    assert [each.id for each in world.kept] == ["a2"]


def test_what_nobody_can_read_is_signed_anew_and_all_authorities_are_trusted() -> None:
    kept = KeptAuthority("a1", 0.0, AUTHORITY_SECONDS), KeptAuthority("a2", 9.0, AUTHORITY_SECONDS)

    step = next_step(WANTED, ObservedCertificates(kept, None), 60.0)

    assert step == Issue("a2", ("a2", "a1"))


def test_a_spread_that_renewals_would_outrun_is_refused() -> None:
    with pytest.raises(AssertionError):
        Wanted(LIFETIME, LIFETIME / 2, NAMES)
