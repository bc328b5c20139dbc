"""The names by which the API server and the controller manager speak of tokens that are kept in Secrets."""

SINCE = "kube-apiserver-legacy-service-account-token-tracking"
"""The ConfigMap in `kube-system` that says since when their uses are tracked."""

LAST_USED = "kubernetes.io/legacy-token-last-used"
INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since"
"""Labels of their Secrets; each is a day."""
