"""Giving devices to claims: what there is (`pools`), what is wanted (`wanted`), the search for what fits (`search`).

The first solution is taken, in the order of pools, slices and devices; every combination is tried before a node is
given up. `claims` knows what is given away already. Upstream: `dynamic-resource-allocation/structured`.
"""
