"""The composition root: what makes a whole cluster of the parts, and what can be done with it from outside.

`cluster` makes store, API server, controllers, scheduler and kubelets and holds them together. What `Cluster` can do
is cut by subject into classes that it is made of: letting time pass (`waiting`), outliving its process and going back
(`lasting`, with `journal`, `keeping`, `datafile` and `inventory`), its machines (`machines`) and those of the control
plane (`planes`, `replicating`), programs and their failures (`hosting`, `processes`), members of etcd (`members`,
`membership`), what is shown of it (`showing`, `snapshot`, `plumbing`, `playing`), asked about it (`accessing`,
`deciding`, `reaching`, `monitoring`) and done to it (`doing`, `rush`, `stalling`).
"""
