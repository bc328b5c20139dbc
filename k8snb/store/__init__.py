"""The memory of the cluster: every revision of every object, and whoever watches them.

The store knows nothing of kinds. It keeps buckets of objects (one per stored resource), numbers every
change with one global revision, and remembers changes until they are compacted, as etcd does.
"""
