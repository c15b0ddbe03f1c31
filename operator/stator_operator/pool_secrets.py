"""The Secrets of a pool: its authorities, what its pods show each other, its access keys.

In: a pool, the Secrets that there are, the time. Out: objects to apply or create, and reasons to
wait; the decisions are `certificate_plan.py`'s. Called by the reconcile of pools, whose resync is
often enough: no step is urgent.
It has no input or output but chance, which keys are made of. Invariants: a Secret that is not this
pool's is left alone; access keys that are there are never changed, since people keep theirs there;
no key and no secret is ever in a message.

    POOL-authority    the authorities' keys: ID.crt, ID.key. The operator's alone: no pod has it.
    POOL-tls          tls.crt, tls.key, ca.crt: storage, gateway and supervisor pods mount it.
    POOL-access-keys  access-keys: lines of `id secret`, which gateways take up when they change.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stator_operator import certificates, naming
from stator_operator.certificate_plan import (
    AddAuthority,
    ForgetAuthorities,
    Issue,
    ObservedCertificate,
    ObservedCertificates,
    Step,
    Trust,
    Wanted,
    next_step,
)
from stator_operator.certificates import KeyPair, Unreadable
from stator_operator.objects.cert_manager import cert_manager_certificate
from stator_operator.objects.secrets import (
    ACCESS_KEYS_KEY,
    access_keys_secret,
    authority_secret,
    tls_secret,
)
from stator_operator.pool_actions import Apply, Reason, Waiting
from stator_operator.storage_pool import Pool

Object = dict[str, Any]

ROTATE_ANNOTATION = f"{naming.GROUP_LABEL}/rotate-authority"  # on a StoragePool: any new word
ROTATED_ANNOTATION = f"{naming.GROUP_LABEL}/rotated-for"  # on POOL-authority: the last such word
CHANGED_ANNOTATION = f"{naming.GROUP_LABEL}/changed-at"  # on POOL-tls
ACCESS_KEY_ID_PREFIX = "STATOR"
_ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_ID_CHARACTERS = 14  # with the prefix 20, as AWS' have
_SECRET_BYTES = 30  # 40 characters, as AWS' have


@dataclass(frozen=True, slots=True)
class Create:
    """Make an object, unless there is one of that name by now: that is then left as it is."""

    body: Object


@dataclass(frozen=True, slots=True)
class SecretsPlan:
    """What to do now, and why not more."""

    actions: tuple[Apply | Create, ...] = ()
    waiting: tuple[Waiting, ...] = ()


def plan_secrets(pool: Pool, found: dict[str, Object], now: float) -> SecretsPlan:
    """What the pool's Secrets need. `found`: those that there are, by name; `now`: epoch s."""
    actions: list[Apply | Create] = []
    waiting: list[Waiting] = []
    _plan_access_keys(pool, found, actions, waiting)
    waiting.extend(_missing_at_gateways(pool, found))
    if pool.tls.issued_by == "CertManager":
        actions.append(Apply(cert_manager_certificate(pool)))
        waiting.extend(_awaited(pool, found.get(naming.tls_secret_name(pool.name))))
    elif pool.tls.issued_by == "Operator":
        taken = _taken(pool, found)
        if taken is None:
            _plan_certificates(pool, found, now, actions)
        else:
            waiting.append(taken)
    return SecretsPlan(tuple(actions), tuple(waiting))


def own_secret_names(pool: str) -> tuple[str, str, str]:
    """The Secrets that are made for a pool of this name, in the order in which they are made."""
    return (
        naming.authority_secret_name(pool),
        naming.tls_secret_name(pool),
        naming.access_keys_secret_name(pool),
    )


def secret_names(body: Object) -> tuple[str, ...]:
    """The Secrets that are to be looked at for a pool, by its object."""
    named = body["spec"]["gateway"].get("tlsSecretName")
    own = own_secret_names(body["metadata"]["name"])
    return own if named is None or named in own else (*own, named)


def certificate_end(pool: str, found: dict[str, Object]) -> float | None:
    """When the certificate that pods have ends (epoch seconds); None: none can be read."""
    secret = found.get(naming.tls_secret_name(pool))
    try:
        return None if secret is None else certificates.end_of(_data(secret).get("tls.crt", b""))
    except Unreadable:
        return None


# ------------------------------------------------------------------------------------ access keys


def new_access_key() -> str:
    """A line of a new access key's id and secret, from the machine's chance."""
    letters = (secrets.choice(_ID_ALPHABET) for _ in range(_ID_CHARACTERS))
    return f"{ACCESS_KEY_ID_PREFIX}{''.join(letters)} {secrets.token_urlsafe(_SECRET_BYTES)}\n"


def _plan_access_keys(
    pool: Pool,
    found: dict[str, Object],
    actions: list[Apply | Create],
    waiting: list[Waiting],
) -> None:
    name = naming.access_keys_secret_name(pool.name)
    present = found.get(name)
    if present is None:
        text = f"# The first administrator's key of pool {pool.name}.\n{new_access_key()}"
        actions.append(Create(access_keys_secret(pool, text)))
    elif ACCESS_KEYS_KEY not in (present.get("data") or {}):
        waiting.append(
            Waiting(
                Reason.ACCESS_KEYS_MISSING,
                f"Secret {name} has no `{ACCESS_KEYS_KEY}`, so gateways cannot start: put lines of"
                " `access_key_id secret_access_key` there, or delete it to get a new key",
            )
        )


# ----------------------------------------------------------------------------------- certificates


def _missing_at_gateways(pool: Pool, found: dict[str, Object]) -> Iterator[Waiting]:
    """The certificate that clients are to be shown, where a person has to bring it."""
    name = pool.gateway_tls_secret
    if name is None or name == naming.tls_secret_name(pool.name):
        return
    secret = found.get(name)
    data = {} if secret is None else _data(secret)
    if not (data.get("tls.crt") and data.get("tls.key")):
        yield Waiting(
            Reason.GATEWAY_CERTIFICATE_MISSING,
            f"Secret {name}, which spec.gateway.tlsSecretName names, is not there or has no tls.crt"
            " and tls.key: gateways that run go on as they were, others cannot start",
        )


def _awaited(pool: Pool, secret: Object | None) -> Iterator[Waiting]:
    """What is still to come from cert-manager, or never will."""
    name = naming.tls_secret_name(pool.name)
    if secret is None or not _data(secret).get("tls.crt"):
        yield Waiting(
            Reason.CERTIFICATE_AWAITED,
            f"pods wait for Secret {name}, which cert-manager has not written yet:"
            f" `kubectl describe certificate {name}` says why",
        )
    elif not _data(secret).get("ca.crt"):
        yield Waiting(
            Reason.ISSUER_UNUSABLE,
            f"Secret {name} has no ca.crt, so pods do not know whom to trust: name an issuer in"
            " spec.tls.issuer that gives one, such as a CA issuer",
        )


def _taken(pool: Pool, found: dict[str, Object]) -> Waiting | None:
    """Why the Secrets of certificates cannot be written: somebody has one of their names."""
    for name in own_secret_names(pool.name)[:2]:
        labels = found.get(name, {}).get("metadata", {}).get("labels") or {}
        if name in found and labels.get(naming.POOL_LABEL) != pool.name:
            return Waiting(
                Reason.SECRET_TAKEN,
                f"Secret {name} belongs to somebody else and is left alone: rename this pool, or"
                " delete the Secret",
            )
    return None


def _plan_certificates(
    pool: Pool, found: dict[str, Object], now: float, actions: list[Apply | Create]
) -> None:
    """Take every step that is due now."""
    kept = _kept(found.get(naming.authority_secret_name(pool.name)))
    given = _given(found.get(naming.tls_secret_name(pool.name)))
    wanted = wanted_certificates(pool)
    made: dict[str, Object] = {}
    # A step leads to the next one at most this often before pods must have seen something.
    for _ in range(4):
        observed = _observed(kept, given)
        step = next_step(wanted, observed, now)
        if step is None:
            break
        kept, given = _carried_out(pool, step, kept, given, now)
        if isinstance(step, AddAuthority | ForgetAuthorities):
            body = authority_secret(pool, kept.data(), {ROTATED_ANNOTATION: kept.rotation})
        else:
            assert given is not None
            body = tls_secret(pool, given.data(), {CHANGED_ANNOTATION: _text(given.changed_at)})
        made[body["metadata"]["name"]] = body
    # The keys of authorities first: whoever stops in between must not lose one that has signed.
    actions.extend(Apply(made[name]) for name in own_secret_names(pool.name) if name in made)


def wanted_certificates(pool: Pool) -> Wanted:
    """What the pool's spec and annotations want of certificates."""
    return Wanted(
        lifetime_seconds=pool.tls.lifetime_seconds,
        spread_seconds=pool.settings.secret_spread_seconds,
        names=naming.certificate_names(pool.name, pool.namespace),
        rotation=pool.annotations.get(ROTATE_ANNOTATION, ""),
    )


@dataclass(frozen=True, slots=True)
class _Kept:
    """POOL-authority: pairs by the ids of their authorities."""

    pairs: dict[str, KeyPair]
    rotation: str

    def data(self) -> dict[str, bytes]:
        data = {}
        for each, pair in self.pairs.items():
            data[f"{each}.crt"], data[f"{each}.key"] = pair.certificate, pair.key
        return data


@dataclass(frozen=True, slots=True)
class _Given:
    """POOL-tls."""

    pair: KeyPair
    trusted: dict[str, bytes]
    changed_at: float

    def data(self) -> dict[str, bytes]:
        bundle = b"".join(self.trusted.values())
        return {"tls.crt": self.pair.certificate, "tls.key": self.pair.key, "ca.crt": bundle}

    def observed(self) -> ObservedCertificate:
        bundle = b"".join(self.trusted.values())
        return certificates.read_certificate(self.pair, bundle, self.changed_at)


def _observed(kept: _Kept, given: _Given | None) -> ObservedCertificates:
    return ObservedCertificates(
        tuple(certificates.read_authority(pair) for pair in kept.pairs.values()),
        None if given is None else given.observed(),
        kept.rotation,
    )


def _carried_out(
    pool: Pool, step: Step, kept: _Kept, given: _Given | None, now: float
) -> tuple[_Kept, _Given | None]:
    """What the Secrets hold after the step."""
    match step:
        case AddAuthority(rotation):
            pair = certificates.make_authority(f"{pool.name} authority", now)
            known = {**kept.pairs, certificates.read_authority(pair).id: pair}
            return _Kept(known, rotation), given
        case ForgetAuthorities(authority):
            return _Kept({authority: kept.pairs[authority]}, kept.rotation), given
        case Issue(authority, trusted):
            names = naming.certificate_names(pool.name, pool.namespace)
            lifetime = pool.tls.lifetime_seconds
            pair = certificates.sign(kept.pairs[authority], names, now, lifetime)
            return kept, _Given(pair, _bundle(kept, given, trusted), now)
        case Trust(trusted):
            assert given is not None
            return kept, _Given(given.pair, _bundle(kept, given, trusted), now)


def _bundle(kept: _Kept, given: _Given | None, trusted: tuple[str, ...]) -> dict[str, bytes]:
    """The certificates of authorities: those kept, and those that only pods still have."""
    known = {} if given is None else dict(given.trusted)
    known.update({each: pair.certificate for each, pair in kept.pairs.items()})
    return {each: known[each] for each in trusted}


# ---------------------------------------------------------------------------------------- reading


def _kept(secret: Object | None) -> _Kept:
    """The authorities that can be read; what cannot counts as lost."""
    if secret is None:
        return _Kept({}, "")
    data = _data(secret)
    pairs = {}
    for name in sorted(data):
        if name.endswith(".crt"):
            pair = KeyPair(data[name], data.get(f"{name.removesuffix('.crt')}.key", b""))
            try:
                pairs[certificates.read_authority(pair).id] = pair
            except Unreadable:
                continue
    annotations = secret["metadata"].get("annotations") or {}
    return _Kept(pairs, annotations.get(ROTATED_ANNOTATION, ""))


def _given(secret: Object | None) -> _Given | None:
    """What pods have, if it can be read; else it is made anew."""
    if secret is None:
        return None
    data, annotations = _data(secret), secret["metadata"].get("annotations") or {}
    try:
        changed = datetime.fromisoformat(annotations.get(CHANGED_ANNOTATION, ""))
        pair = KeyPair(data.get("tls.crt", b""), data.get("tls.key", b""))
        trusted = certificates.bundle_parts(data.get("ca.crt", b""))
        given = _Given(pair, trusted, changed.astimezone(UTC).timestamp())
        given.observed()
    except (Unreadable, ValueError):
        return None
    return given


def _data(secret: Object) -> dict[str, bytes]:
    result = {}
    for name, text in (secret.get("data") or {}).items():
        try:
            result[name] = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            continue
    return result


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()
