"""What objects count against the quotas of their namespace. Pure functions.

`usage` says what one object uses, `scopes` which quotas it concerns, `counting` puts both together: admission asks it
what a request would use, the quota controller what a namespace does use. Upstream: `pkg/quota/v1`.
"""
