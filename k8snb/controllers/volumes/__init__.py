"""The controllers of storage: binding claims to volumes, and keeping both while they are used.

`controller` watches and decides which side to look at, `claims` and `reclaiming` are the two sides, `writing` what they
send. Upstream: `pkg/controller/volume`.
"""
