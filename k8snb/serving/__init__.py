"""A cluster behind a real port: `k8snb serve`.

`served` follows the wall clock and answers over TLS, `console` prints what happens, `credentials` and `kubeconfig` are
how clients get in, `relaying` opens ports of the machine for those of nodes, `outside` calls URLs of the real world.
"""
