"""TODO: one paragraph, how this package works and why."""
