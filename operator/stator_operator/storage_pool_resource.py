"""StoragePool: storage pods over zones, and the gateway before them. Tables live in pools.

Read by `storage_pool.py`, which makes it the type that planners take. A Table that carries
`storage` carries what stands here as `SPEC`. Invariant: what a running pool cannot follow (another
storage class, a smaller volume, a zone less) the API server refuses.
"""

from __future__ import annotations

from stator_operator.custom_resource import Column, Resource, Scale, condition
from stator_operator.naming import POOL_NAME_CHARACTERS_MAX, POOL_NAME_PATTERN
from stator_operator.schema import (
    CONDITIONS,
    OBSERVED_GENERATION,
    ListOf,
    Rule,
    Structure,
    Text,
    TextByName,
    Truth,
    Whole,
    quantity,
    stays_or_stays_away,
    unchangeable,
)

# A partition has three replicas, no two of them in one zone.
ZONES_MIN = 3
ZONES_MAX = 9
PODS_PER_ZONE_MAX = 100
GATEWAYS_MAX = 100
# A machine that starts again is back within minutes, and its volume with it.
REPLACE_AFTER_SECONDS_MIN = 60
REPLACE_AFTER_SECONDS_MAX = 604_800
LABEL_VALUE_CHARACTERS_MAX = 63
LABEL_KEY_CHARACTERS_MAX = 317  # a DNS name of 253, a slash, a name of 63
LABEL_VALUE_PATTERN = "^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
CERTIFICATE_DAYS_DEFAULT = 90
CERTIFICATE_DAYS_MAX = 825
ZONE_KEY_DEFAULT = "topology.kubernetes.io/zone"


def resources(description: str, cpu: str, memory: str) -> Structure:
    """Requests and limits of a container. `cpu` and `memory` are what it asks for by default."""

    def amounts(what: str, cpu: str | None, memory: str | None) -> Structure:
        fields = {
            "cpu": quantity("Processor time, in cores.", default=cpu),
            "memory": quantity("Memory.", default=memory),
        }
        return Structure(what, fields, default={} if cpu else None)

    return Structure(
        description,
        {
            "requests": amounts("What a pod is sure to have.", cpu, memory),
            "limits": amounts("What a pod may not go beyond.", None, None),
        },
        default={},
    )


VOLUME = Structure(
    "The volume of each storage pod.",
    {
        "size": quantity(
            "How large each volume is. It can grow, not shrink.",
            Rule(
                "!isQuantity(self) || quantity(self).compareTo(quantity('1Gi')) >= 0",
                "a volume has at least 1Gi",
            ),
            Rule(
                "!isQuantity(self) || !isQuantity(oldSelf)"
                " || quantity(self).compareTo(quantity(oldSelf)) >= 0",
                "volumes cannot shrink",
            ),
        ),
        "storageClassName": Text(
            "The storage class. Without it, the cluster's default.",
            253,
            1,
            rules=(unchangeable("storageClassName"),),
        ),
        "whenScaled": Text(
            "What becomes of the volume of a pod that the pool gave up, once it is empty.",
            values=("Retain", "Delete"),
            default="Retain",
        ),
    },
    required=("size",),
    rules=(stays_or_stays_away("storageClassName", "storageClassName"),),
)

TOLERATIONS = ListOf(
    "Taints of nodes that pods may stand on all the same, as in a pod.",
    Structure(
        "A taint that is tolerated.",
        {
            "key": Text("The taint's key. Without it, any.", LABEL_KEY_CHARACTERS_MAX),
            "operator": Text("How keys are compared.", values=("Exists", "Equal"), default="Equal"),
            "value": Text("The taint's value.", LABEL_VALUE_CHARACTERS_MAX),
            "effect": Text(
                "The taint's effect. Without it, any.",
                values=("NoSchedule", "PreferNoSchedule", "NoExecute"),
            ),
        },
        rules=(
            Rule(
                "self.operator != 'Exists' || !has(self.value) || self.value == ''",
                "with the operator Exists there is no value",
                at=".value",
            ),
        ),
    ),
    items_max=16,
)

GATEWAY = Structure(
    "The pods that clients speak to.",
    {
        "replicas": Whole("How many gateway pods there are.", 1, GATEWAYS_MAX, 2),
        "resources": resources("What a gateway pod has.", "500m", "512Mi"),
        "tlsSecretName": Text(
            "The Secret (kubernetes.io/tls) of the certificate that clients are shown; without it"
            " gateways speak plainly. POOL-tls is the pool's own, which its ca.crt verifies.",
            253,
            1,
        ),
    },
    default={},
)

TLS = Structure(
    "How pods know each other: they speak with nobody who has no certificate of their authority.",
    {
        "issuedBy": Text(
            "Who makes the certificates: the Operator, with an authority of its own for each pool;"
            " CertManager; or None, and pods speak plainly, which is for trials.",
            values=("Operator", "CertManager", "None"),
            default="Operator",
            rules=(unchangeable("issuedBy"),),
        ),
        "issuer": Structure(
            "The issuer of cert-manager: one that gives ca.crt.",
            {
                "name": Text("Its name.", 253, 1),
                "kind": Text("Issuer or ClusterIssuer, or another issuer's.", 63, default="Issuer"),
                "group": Text("The API group of its kind.", 253, default="cert-manager.io"),
            },
            required=("name",),
        ),
        "certificateDays": Whole(
            "For how many days a certificate is good. It is replaced when a third is left.",
            1,
            CERTIFICATE_DAYS_MAX,
            CERTIFICATE_DAYS_DEFAULT,
        ),
    },
    # The API server holds a default itself against the rules, before it fills in what is within.
    default={"issuedBy": "Operator"},
    rules=(
        Rule(
            "(self.issuedBy == 'CertManager') == has(self.issuer)",
            "an issuer is named with issuedBy CertManager, and only with it",
            at=".issuer",
        ),
    ),
)

SPEC = Structure(
    "The pods that are wanted.",
    {
        "zones": ListOf(
            "The zones, by the values of the nodes' zone label. One more can be added.",
            Text("A zone.", LABEL_VALUE_CHARACTERS_MAX, 1, LABEL_VALUE_PATTERN),
            items_min=ZONES_MIN,
            items_max=ZONES_MAX,
            is_set=True,
            rules=(Rule("oldSelf.all(zone, zone in self)", "a zone cannot be taken away"),),
        ),
        "zoneKey": Text(
            "The label of nodes that says their zone.",
            LABEL_KEY_CHARACTERS_MAX,
            1,
            "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$",
            default=ZONE_KEY_DEFAULT,
            rules=(unchangeable("zoneKey"),),
        ),
        "podsPerZone": Whole(
            "How many storage pods each zone has. Those that are to go are emptied first.",
            1,
            PODS_PER_ZONE_MAX,
            1,
        ),
        "volume": VOLUME,
        "resources": resources("What a storage pod has.", "500m", "1Gi"),
        "image": Text("The image of all pods. Without it, the operator's own.", 512, 1),
        "nodeSelector": TextByName("Further labels of the nodes that pods stand on.", 16, 63),
        "tolerations": TOLERATIONS,
        "gateway": GATEWAY,
        "tls": TLS,
        "replaceAfterSeconds": Whole(
            "After how long a pod whose machine or volume is out of reach gets another volume.",
            REPLACE_AFTER_SECONDS_MIN,
            REPLACE_AFTER_SECONDS_MAX,
            1_800,
        ),
        "suspend": Truth("Whether the pool has no pods for now. Its volumes stay.", False),
    },
    required=("zones", "volume"),
)

STATUS = Structure(
    "What there is.",
    {
        "observedGeneration": OBSERVED_GENERATION,
        "clusterId": Text(
            "What the pods of this pool know each other by. It outlives the object.", 64
        ),
        "podsPerZone": Whole("How many storage pods the zone with the fewest has.", 0),
        "selector": Text("The labels of the storage pods.", 1_024),
        "pods": Whole("How many storage pods there are.", 0),
        "readyPods": Whole("How many of them serve.", 0),
        "image": Text("The image that all storage pods run, once they do.", 512),
        "zones": ListOf(
            "The zones one by one.",
            Structure(
                "A zone.",
                {
                    "name": Text("Its name.", LABEL_VALUE_CHARACTERS_MAX),
                    "statefulSet": Text("The StatefulSet of its pods.", 63),
                    "pods": Whole("How many pods it has.", 0),
                    "readyPods": Whole("How many of them serve.", 0),
                    "updatedPods": Whole("How many run what the spec wants.", 0),
                },
                required=("name",),
            ),
            items_max=ZONES_MAX,
            keys=("name",),
        ),
        "conditions": CONDITIONS,
    },
)

# A pool's name is the beginning of the names of StatefulSets, Services and pods.
NAME_RULE = Rule(
    f"self.metadata.name.size() <= {POOL_NAME_CHARACTERS_MAX}"
    f" && self.metadata.name.matches('{POOL_NAME_PATTERN}')",
    f"a pool's name has at most {POOL_NAME_CHARACTERS_MAX} characters: lower-case letters, digits"
    " and hyphens, a letter first",
)

STORAGE_POOL = Resource(
    kind="StoragePool",
    plural="storagepools",
    short_name="spool",
    description="Storage pods over zones, and the gateway before them.",
    spec=SPEC,
    status=STATUS,
    columns=(
        Column("Ready", condition("Ready", "status")),
        Column("Zones", ".spec.zones"),
        Column("Per Zone", ".spec.podsPerZone", "integer"),
        Column("Pods", ".status.pods", "integer"),
        Column("Serving", ".status.readyPods", "integer"),
        Column("Volume", ".spec.volume.size"),
        Column("Image", ".status.image", wide=True),
        Column("Generation", ".metadata.generation", "integer", wide=True),
        Column("Observed", ".status.observedGeneration", "integer", wide=True),
        Column("Reason", condition("Ready", "reason"), wide=True),
    ),
    scale=Scale(".spec.podsPerZone", ".status.podsPerZone", ".status.selector"),
    rules=(NAME_RULE,),
)
