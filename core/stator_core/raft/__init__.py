"""Raft: one replica's mind. Events come in, a `Ready` goes out; it knows nothing of DynamoDB.

`raft.py` is the door (class `Raft`) and states the contract with the shell. Behind it, from the
bottom up: `messages` (what travels), `quorum` and `membership` (arithmetic of configurations),
`progress` (what a leader knows of a peer), `log`, `state`, `lease`, `read_index`, `replication`,
`election`, `reconfiguration`. `memory_storage` is the in-memory twin of the log store.
"""
