"""Figures: what the cluster costs at scale (`scale`), what its API costs a client (`api`), what many see (`soak`)."""
