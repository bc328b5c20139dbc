"""The audit log: which requests are noted, at which level, and the events that come of them."""
