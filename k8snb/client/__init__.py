"""How every part reaches the API, and the machinery of control loops.

`client` sends requests over a transport (in process, or HTTP to a live cluster); `informer` keeps a cache
up to date by list and watch; `queue` and `controller` turn changes into reconciles. Controllers, scheduler,
kubelets and views are written against this package alone.
"""
