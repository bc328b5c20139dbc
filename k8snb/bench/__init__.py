"""Figures: what the cluster costs at scale (`scale`), and what its API costs a client (`api`, `watch`)."""
