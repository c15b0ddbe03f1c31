"""The Secrets of a pool as objects. What is in them comes from `pool_secrets.py`.

Invariant: the pool's certificates are its children and go with it; access keys are people's, and
stay as volumes do.
"""

from __future__ import annotations

import base64
from typing import Any

from stator_operator import naming
from stator_operator.objects.metadata import metadata
from stator_operator.storage_pool import Pool

Object = dict[str, Any]

SECURITY = "security"
ACCESS_KEYS_KEY = "access-keys"


def authority_secret(pool: Pool, data: dict[str, bytes], annotations: dict[str, str]) -> Object:
    """The authorities' keys."""
    own = metadata(pool, naming.authority_secret_name(pool.name), SECURITY)
    return _secret({**own, "annotations": annotations}, "Opaque", data)


def tls_secret(pool: Pool, data: dict[str, bytes], annotations: dict[str, str]) -> Object:
    """What pods mount."""
    own = metadata(pool, naming.tls_secret_name(pool.name), SECURITY)
    return _secret({**own, "annotations": annotations}, "kubernetes.io/tls", data)


def access_keys_secret(pool: Pool, text: str) -> Object:
    """Who may sign requests."""
    own = metadata(pool, naming.access_keys_secret_name(pool.name), SECURITY)
    del own["ownerReferences"]
    return _secret(own, "Opaque", {ACCESS_KEYS_KEY: text.encode()})


def _secret(own: Object, kind: str, data: dict[str, bytes]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": own,
        "type": kind,
        "data": {name: base64.b64encode(each).decode() for name, each in data.items()},
    }
