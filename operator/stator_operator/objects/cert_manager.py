"""The Certificate of a pool whose certificates cert-manager makes.

In: a `Pool` that names an issuer. Out: the object; cert-manager writes the Secret that pods mount,
with the same members as the operator's own. The issuer must be one that gives `ca.crt`: pods trust
what stands there.

cert-manager: "Certificate resource", cert-manager.io/v1.
"""

from __future__ import annotations

from typing import Any

from stator_operator import naming
from stator_operator.objects.metadata import metadata
from stator_operator.objects.secrets import SECURITY
from stator_operator.storage_pool import Pool

Object = dict[str, Any]

CERTIFICATE_VERSION = "cert-manager.io/v1"


def cert_manager_certificate(pool: Pool) -> Object:
    """The Certificate."""
    assert pool.tls.issuer is not None
    name = naming.tls_secret_name(pool.name)
    hours = round(pool.tls.lifetime_seconds / 3_600)
    return {
        "apiVersion": CERTIFICATE_VERSION,
        "kind": "Certificate",
        "metadata": metadata(pool, name, SECURITY),
        "spec": {
            "secretName": name,
            "secretTemplate": {"labels": naming.labels(pool.name, SECURITY)},
            "dnsNames": list(naming.certificate_names(pool.name, pool.namespace)),
            "duration": f"{hours}h0m0s",
            "renewBefore": f"{hours // 3}h0m0s",
            "usages": ["digital signature", "server auth", "client auth"],
            "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
            "issuerRef": dict(pool.tls.issuer),
        },
    }
