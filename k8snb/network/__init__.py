"""The pod network: addresses, names, and the way of a request from one pod to another.

`ipam` hands out pod addresses from each node's range and `addresses` knows who has which; `dns` answers for names of
Services and pods; `proxy` turns a Service's virtual address into one pod's, as kube-proxy's rules do on every node;
`path` follows a connection along all of it and can tell every hop, by the nodes' routes where somebody has touched them
(`ways`); `fabric` is what kubelets use. All of them learn what they know from the API.
"""
