"""X.509: authorities and certificates of a pool, made and read.

In: what `certificate_plan.py` has decided and a time; chance comes from the library. Out: PEM, as
pods take it (`--tls-certificate`, `--tls-key`, `--tls-authority`). Called by `pool_secrets.py`; the
one module that knows the `cryptography` package. Invariants: a key is never in a message; what is
signed ends no later than who signed it.

RFC 5280; curve P-256, as every client of TLS 1.3 knows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stator_operator.certificate_plan import (
    AUTHORITY_SECONDS,
    KeptAuthority,
    ObservedCertificate,
)

# The clock of a pod may be behind the operator's.
BACKDATED_SECONDS = 600


class Unreadable(Exception):
    """PEM that is no certificate or key, or a key of another certificate. No secret is in it."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its key, in PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


def make_authority(name: str, now: float) -> KeyPair:
    """An authority of this name, good from now on. `now` in epoch seconds."""
    key = ec.generate_private_key(ec.SECP256R1())
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    # Two authorities of one name would be taken for each other.
    subject = _name(f"{name} {own.digest.hex()[:8]}")
    builder = _builder(subject, subject, key.public_key(), now, now + AUTHORITY_SECONDS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    builder = builder.add_extension(_issuer_of(own), critical=False)
    return _pair(builder.sign(key, hashes.SHA256()), key)


def sign(
    authority: KeyPair, names: tuple[str, ...], now: float, lifetime_seconds: float
) -> KeyPair:
    """A certificate for these DNS names, for servers and clients. Raises Unreadable."""
    issuer, issuer_key = _read(authority)
    key = ec.generate_private_key(ec.SECP256R1())
    ends_at = min(now + lifetime_seconds, issuer.not_valid_after_utc.timestamp())
    builder = _builder(_name(names[0]), issuer.subject, key.public_key(), now, ends_at)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(_issuer_of(_key_identifier(issuer)), critical=False)
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    alternatives = x509.SubjectAlternativeName([x509.DNSName(each) for each in names])
    builder = builder.add_extension(alternatives, critical=False)
    return _pair(builder.sign(issuer_key, hashes.SHA256()), key)


def read_authority(pair: KeyPair) -> KeptAuthority:
    """What the planner needs to know of an authority. Raises Unreadable."""
    certificate, _ = _read(pair)
    return KeptAuthority(id_of(certificate), *_times(certificate))


def read_certificate(pair: KeyPair, trusted: bytes, changed_at: float) -> ObservedCertificate:
    """What it needs to know of pods' files: `trusted` is their bundle. Raises Unreadable."""
    certificate, _ = _read(pair)
    try:
        issuer = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        raise Unreadable("the certificate does not say whose it is") from None
    made_at, ends_at = _times(certificate)
    return ObservedCertificate(
        issuer=(issuer.key_identifier or b"").hex(),
        made_at=made_at,
        ends_at=ends_at,
        trusted=tuple(bundle_parts(trusted)),
        changed_at=changed_at,
        names=tuple(alternatives.value.get_values_for_type(x509.DNSName)),
    )


def end_of(certificate: bytes) -> float:
    """When a certificate in PEM ends, whoever made it (epoch seconds). Raises Unreadable."""
    try:
        return x509.load_pem_x509_certificate(certificate).not_valid_after_utc.timestamp()
    except ValueError:
        raise Unreadable("no certificate in PEM") from None


def bundle_parts(bundle: bytes) -> dict[str, bytes]:
    """The certificates of a bundle by their ids, in its order. Raises Unreadable."""
    try:
        certificates = x509.load_pem_x509_certificates(bundle)
    except ValueError:
        raise Unreadable("the bundle holds no certificates in PEM") from None
    return {id_of(each): each.public_bytes(serialization.Encoding.PEM) for each in certificates}


def id_of(certificate: x509.Certificate) -> str:
    """What an authority is known by: the digest of its key."""
    return _key_identifier(certificate).digest.hex()


def _read(pair: KeyPair) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        certificate = x509.load_pem_x509_certificate(pair.certificate)
        key = serialization.load_pem_private_key(pair.key, password=None)
    except (ValueError, TypeError):
        raise Unreadable("no certificate with its key in PEM") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Unreadable("the key is of another kind than this operator makes")
    if key.public_key() != certificate.public_key():
        raise Unreadable("the key is of another certificate")
    return certificate, key


def _times(certificate: x509.Certificate) -> tuple[float, float]:
    made_at = certificate.not_valid_before_utc.timestamp() + BACKDATED_SECONDS
    return made_at, certificate.not_valid_after_utc.timestamp()


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: float,
    ends_at: float,
) -> x509.CertificateBuilder:
    own = x509.SubjectKeyIdentifier.from_public_key(key)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(_moment(now - BACKDATED_SECONDS))
    return builder.not_valid_after(_moment(ends_at)).add_extension(own, critical=False)


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
    return KeyPair(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _issuer_of(issuer: x509.SubjectKeyIdentifier) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer)


def _key_identifier(certificate: x509.Certificate) -> x509.SubjectKeyIdentifier:
    """As the certificate says, or as its key has it."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        key = certificate.public_key()
        assert not isinstance(key, bytes)
        return x509.SubjectKeyIdentifier.from_public_key(key)


NAME_CHARACTERS_MAX = 64  # RFC 5280, ub-common-name


def _name(text: str) -> x509.Name:
    common_name = x509.NameAttribute(NameOID.COMMON_NAME, text[:NAME_CHARACTERS_MAX])
    return x509.Name([common_name])


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
