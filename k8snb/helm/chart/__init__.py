"""Charts as files: reading, checking, packing and starting them. Upstream: helm's `pkg/chart`, `pkg/chartutil`."""
