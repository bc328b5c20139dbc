"""Clusters that really run, and how a notebook uses one without doing harm.

`opening` finds and looks at the cluster of a context, `transport` carries requests there, `guard` lets through what is
of the notebook's `territory` and covers what is secret, `session` makes its home and cleans up. `reader` is what views
need of a cluster that is only looked at.
"""
