"""Kustomize: objects from folders, patched, renamed and labelled without templates; `kubectl kustomize` and `-k`.

`build` reads a folder and those below it, `layers` applies what one `kustomization.yaml` says, `generators` makes
ConfigMaps and Secrets, `fields` knows where labels, names and images stand in an object, and `references` lets
names that changed be found again. Upstream: `sigs.k8s.io/kustomize/api`.
"""

from k8snb.kubectl.kustomize.build import build

__all__ = ["build"]
