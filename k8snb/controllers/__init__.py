"""The control loops that make a cluster what its objects say: the controller manager.

One file per controller, a folder where upstream has strategies (`deployment/`). Each follows the API through
informers, reconciles one key at a time and writes through the API alone; they know nothing of each other. What
can be said without a cluster (which pods to delete, how endpoints are packed, what a status is) is a pure function
in a module of its own. `table` lists them all.
"""
