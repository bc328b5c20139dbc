"""NetworkPolicies: which connections between pods are let through.

`parties` are the two ends of a connection, as policies see them; `judgement` holds a connection against policies, rule
by rule, and is a pure function of them; `enforcement` is the agent of the network, which judges every packet of the
cluster by it. Whoever wants to know who may reach whom asks the same function.
"""
