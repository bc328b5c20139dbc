"""Clusters that really run, and how a notebook uses one without doing harm.

`connecting` chooses between the embedded cluster and a live one, `joining` joins that, and `cluster` has the door of an
embedded cluster to it (`elsewhere`: what only that one can do); `commands` are those of `k8snb`'s command line.
`opening` finds and looks at the cluster of a context, `transport` carries requests there, `guard` lets through what is
of the notebook's `territory` and covers what is secret, `session` makes its home and cleans up. `reader` is what views
need of a cluster that is only looked at.
"""
