"""Releases: what helm remembers of an installation, and where. Upstream: `pkg/release`, `pkg/storage`."""
