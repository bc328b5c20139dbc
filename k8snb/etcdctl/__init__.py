"""The built-in `etcdctl` and `etcdutl`: what lies in the database behind the API server, and the members that keep it.

They print what the real ones of etcd 3.6 print. What they do to members goes through `cluster.etcd`.
"""
