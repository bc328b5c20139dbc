"""The pod network: addresses, names, and the way of a request from one pod to another.

`ipam` hands out pod addresses from each node's range, `dns` answers for names of Services and pods, `proxy`
turns a Service's virtual address into one pod's, as kube-proxy's rules do on every node, and `fabric` carries
requests along all of it and can tell every hop. All of them learn what they know from the API.
"""
