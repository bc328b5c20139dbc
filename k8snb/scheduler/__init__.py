"""The scheduler: finds a node for every pod that has none.

`queue` holds the pods that wait, `cycle` takes one pod through the extension points that `framework` lists and
`registry` fills with plugins, `cache` knows what runs (or is about to run) where. Most pods take the short way of
`ranking` and `shortcut`, which gives the same answer without looking at every node.
"""
