"""The API server: the one door through which everything reaches the store.

`server` is the chain of filters and the table of handlers; `reading`, `writing`, `deleting`, `watching` and
`subresources` are the handlers; `registry` has the rules of each kind and `admission` the plugins; `printing`,
`discovery` and `openapi` tell clients what there is. Only `listener` and what it upgrades to know of sockets.
"""
