"""What a member can be, and how patient it is."""

from __future__ import annotations

FOLLOWER, PRE_CANDIDATE, CANDIDATE, LEADER = "follower", "pre-candidate", "candidate", "leader"

ELECTION_TICKS = 10
HEARTBEAT_TICKS = 1
"""As etcd has them: a heartbeat each 100 ms, an election after 1 s (and up to as much again) without one."""
MOST_ENTRIES = 64
"""How many entries go in one message."""
