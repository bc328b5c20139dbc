"""Who owns which fields of an object, and server-side apply, which goes by it.

`shapes` reads schemas, `sets` are sets of fields, `comparing` and `merging` walk objects by their shape, `managers`
keeps who owns what, `applying` applies. Upstream: structured-merge-diff and `apimachinery/pkg/util/managedfields`.
"""
