"""Who may do what: authentication, authorization, and the reviews by which clients ask about both.

A request's user is found by `authentication`, may be replaced by `impersonation`, and is asked for by `authorizer`:
`node` answers for kubelets, `rbac` for everybody from the roles and bindings in the store, of which a new cluster has
those in `policy.txt`.
"""
