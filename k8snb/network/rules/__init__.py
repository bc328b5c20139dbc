"""What kube-proxy writes into a node's kernel, as data: rules that can be read, counted, and walked by a packet.

`ports` is what a proxy makes of a Service and its slices on one node; `iptables_proxier` and `nftables_proxier` turn
that into the rules of either backend, `walking` and `nft_walking` are the kernel that follows them, `ipvs` is the table
of the third. Upstream: `pkg/proxy`.
"""
