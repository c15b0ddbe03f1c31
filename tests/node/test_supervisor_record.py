"""The supervisor's record: its stored form, to the letter."""

from __future__ import annotations

import pytest

from stator_core import log_format
from stator_core.log_format import LogDamaged
from stator_core.partition_descriptor import WHOLE_SPACE, new_partition
from stator_node import supervisor_record
from stator_node.memory import MemoryItemStore
from stator_node.supervisor_record import RECORD_KEY, SupervisorRecord

RECORD = SupervisorRecord(
    next_partition_id=9,
    recorded={7: new_partition(7, "Music", 3, WHOLE_SPACE, ("n1", "n2", "n3"))},
    draining={"n2"},
    replaced={"n9", "n8"},
    members={"n1": {"host": "10.0.0.1", "port": 8002, "zone": "z1", "pod": "a-0"}},
)


def test_what_is_stored_is_read_again() -> None:
    store = MemoryItemStore()
    assert supervisor_record.read(store) is None
    store.write([RECORD.operation()], sync=True)

    assert supervisor_record.read(store) == RECORD


def test_the_stored_form_is_json_with_a_checksum() -> None:
    family, key, stored = RECORD.operation()
    assert (family, key) == ("meta", b"supervisor")
    content = log_format.unseal(key, stored)
    assert content.startswith(b'{"next_partition_id":9,"recorded":[{')
    assert content.endswith(
        b'"draining":["n2"],"replaced":["n8","n9"],'
        b'"members":{"n1":{"host":"10.0.0.1","port":8002,"zone":"z1","pod":"a-0"}}}'
    )


def test_a_flipped_byte_is_found() -> None:
    store = MemoryItemStore()
    _, key, stored = RECORD.operation()
    assert stored is not None
    store.write([("meta", key, stored[:-1] + b"?")], sync=True)

    with pytest.raises(LogDamaged, match=RECORD_KEY.hex()):
        supervisor_record.read(store)
