"""A small POSIX shell: `syntax` reads a script into a tree, `words` expands words, `interpreter` runs the tree.

It exists so that the `command: ["sh", "-c", "…"]` of a manifest, an `exec` probe and `kubectl exec` do what
their author meant, in virtual time: `sleep` yields to the clock instead of waiting.
"""
