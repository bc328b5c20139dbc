"""The three kinds of patch, and the making of the patch that `kubectl apply` sends.

All of them return a new document that shares with the old one what they do not change, and change nothing
they were given.
"""

from k8snb.machinery.patch.jsonpatch import json_patch
from k8snb.machinery.patch.merge import merge_diff, merge_patch, three_way_json_merge_patch
from k8snb.machinery.patch.strategic import strategic_merge_patch
from k8snb.machinery.patch.threeway import three_way_merge_patch, two_way_merge_patch

__all__ = [
    "json_patch",
    "merge_diff",
    "merge_patch",
    "strategic_merge_patch",
    "three_way_json_merge_patch",
    "three_way_merge_patch",
    "two_way_merge_patch",
]
