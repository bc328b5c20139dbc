"""Devices that pods claim: how claims, classes and slices refer to each other, and what selects a device.

Everything that has to do with dynamic resource allocation reads the same few rules: the API server when it validates,
the scheduler when it allocates, the controller and the kubelets when they look for a pod's claims.
"""
