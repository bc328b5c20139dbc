"""etcd as several members that agree, beneath the store of an API server.

`keyspace` is what each member makes of the log: keys with their revisions. `ensemble` puts a Raft group of such members
under a store (as its `Agreement`), gives it the cluster's time and says who can reach whom. `reports` says what
`etcdctl` shows of the members, `snapshots` is a backup and what comes of restoring it, `tape` keeps the messages that
members sent each other, and holds what they do against Raft's promises.

Source: etcd `server/etcdserver`, `server/storage/mvcc`, `etcdutl/snapshot`.
"""
