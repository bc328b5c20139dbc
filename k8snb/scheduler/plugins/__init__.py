"""The scheduler's plugins, one small file each; `scheduler/registry.py` lists them with their weights.

A plugin answers at the extension points it implements and keeps nothing between pods. Upstream:
`pkg/scheduler/framework/plugins`.
"""
