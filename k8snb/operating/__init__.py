"""Operators written with kopf, run inside a cluster of this process.

`eventloop` is asyncio on the cluster's turns and clock, `wire` is aiohttp without a socket, `instants` gives kopf the
cluster's time, `recording` writes down in the trace what an operator does, and `operator` is the process that holds
them together (`Cluster.run_operator`). kopf itself is the real package, imported when the first operator runs.
"""
