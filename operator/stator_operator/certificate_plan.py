"""Certificates of a pool: when one is made, who signs it, whom pods trust, and in which order.

In: what the pool's Secrets hold (`certificates.py` reads them) and the time. Out: at most one step,
which `pool_secrets.py` carries out. Called again and again; whoever carries the steps out may stop
between any two.

The order of a change of authority: (1) the new authority is made and kept; (2) pods trust it beside
the old one; (3) the certificate is signed by it; (4) the old one is trusted no more. A pod may see
a Secret up to `spread_seconds` late, so that much lies between (2), (3) and (4). Invariant: any two
pods whose files are at most that old accept each other. It needs no memory of its own: the step
that is due follows from what the Secrets hold and when they were last changed.
"""

from __future__ import annotations

from dataclasses import dataclass

DAY_SECONDS = 86_400
# A third of its life before the end, a certificate or an authority is replaced.
RENEWED_AFTER = 2 / 3
AUTHORITY_DAYS = 1_825
AUTHORITY_SECONDS = AUTHORITY_DAYS * DAY_SECONDS


@dataclass(frozen=True, slots=True)
class KeptAuthority:
    """An authority whose key the operator has. Times in epoch seconds; `id` is of its key."""

    id: str
    made_at: float
    ends_at: float


@dataclass(frozen=True, slots=True)
class ObservedCertificate:
    """What pods are given: a certificate, who signed it, and the authorities that they trust."""

    issuer: str
    made_at: float
    ends_at: float
    trusted: tuple[str, ...]
    changed_at: float  # when any of it was last changed
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ObservedCertificates:
    """The authorities, and the certificate; None: there is none, or nobody can read it.

    `rotation`: the word by which a person asked for the newest authority; empty without one.
    """

    authorities: tuple[KeptAuthority, ...] = ()
    certificate: ObservedCertificate | None = None
    rotation: str = ""

    def newest(self) -> KeptAuthority | None:
        return max(self.authorities, key=lambda each: (each.made_at, each.id), default=None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the pool wants. `rotation`: a word; another one than before asks for a new authority."""

    lifetime_seconds: float
    spread_seconds: float
    names: tuple[str, ...]
    rotation: str = ""

    def __post_init__(self) -> None:
        # Else a renewal could put off the end of a change of authority again and again.
        assert self.spread_seconds < self.lifetime_seconds * (1 - RENEWED_AFTER)


@dataclass(frozen=True, slots=True)
class AddAuthority:
    """Make an authority, and keep it beside those that there are."""

    rotation: str


@dataclass(frozen=True, slots=True)
class Issue:
    """Give pods a new certificate, signed by this authority, and these to trust."""

    authority: str
    trusted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trust:
    """Give pods these authorities to trust; their certificate stays."""

    trusted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForgetAuthorities:
    """Keep this authority alone."""

    kept: str


Step = AddAuthority | Issue | Trust | ForgetAuthorities


def next_step(wanted: Wanted, observed: ObservedCertificates, now: float) -> Step | None:
    """What is due. `now` in epoch seconds."""
    newest, certificate = observed.newest(), observed.certificate
    if newest is None:
        return AddAuthority(wanted.rotation)
    if certificate is None or certificate.ends_at <= now:
        return Issue(newest.id, _with(observed, newest.id))
    if newest.id not in certificate.trusted:
        return Trust(_with(observed, newest.id))
    settled = now >= certificate.changed_at + wanted.spread_seconds
    if certificate.issuer != newest.id:
        if settled:
            return Issue(newest.id, certificate.trusted)
        return _renewal(wanted, observed, certificate, now)
    if settled and certificate.trusted != (newest.id,):
        return Trust((newest.id,))
    if renewal := _renewal(wanted, observed, certificate, now):
        return renewal
    if certificate.trusted == (newest.id,) and len(observed.authorities) > 1:
        return ForgetAuthorities(newest.id)
    if len(observed.authorities) == 1 and _authority_is_due(wanted, observed, newest, now):
        return AddAuthority(wanted.rotation)
    return None


def _with(observed: ObservedCertificates, authority: str) -> tuple[str, ...]:
    """This authority, and what pods may trust already: if nobody can read it, all that is kept."""
    if observed.certificate is not None:
        before = observed.certificate.trusted
    else:
        before = tuple(each.id for each in observed.authorities)
    return authority, *(each for each in before if each != authority)


def _renewal(
    wanted: Wanted, observed: ObservedCertificates, certificate: ObservedCertificate, now: float
) -> Issue | None:
    """The same authority signs again, if it is time or other names are wanted, and it can."""
    if now < _certificate_due_at(wanted, certificate):
        if set(wanted.names) <= set(certificate.names):
            return None
    if certificate.issuer not in {each.id for each in observed.authorities}:
        return None
    return Issue(certificate.issuer, certificate.trusted)


def _authority_is_due(
    wanted: Wanted, observed: ObservedCertificates, newest: KeptAuthority, now: float
) -> bool:
    if wanted.rotation and wanted.rotation != observed.rotation:
        return True
    return now >= _renewal_at(newest.made_at, newest.ends_at)


def _certificate_due_at(wanted: Wanted, certificate: ObservedCertificate) -> float:
    """As its own end has it, or a lifetime that has been made shorter since."""
    ends_at = min(certificate.ends_at, certificate.made_at + wanted.lifetime_seconds)
    return _renewal_at(certificate.made_at, ends_at)


def _renewal_at(made_at: float, ends_at: float) -> float:
    return made_at + (ends_at - made_at) * RENEWED_AFTER
