"""What can be done with a release, one module for each. Upstream: helm's `pkg/action`."""
