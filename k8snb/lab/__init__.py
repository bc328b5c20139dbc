"""Exercises that check themselves.

The text of an exercise and its hidden solution stand in the notebook; what has to be true in the end stands here,
one module per page. A check is a list of claims about the cluster, read through the API like everything else, and
its verdict says in words what is still missing. So it does not matter how the reader got there.

    from k8snb import lab
    from k8snb.lab import first_app

    lab.exercises("first-app")
    first_app.check_greeter(cluster)
    lab.progress()

What a check finds solved counts (`progress`), across kernels if the reader wants that (`keep_progress`), and a receipt
can be made for it that others can check (`receipt`).
"""

from __future__ import annotations

from k8snb.lab.catalogue import exercises
from k8snb.lab.receipts import receipt
from k8snb.lab.standing import keep_progress, progress

__all__ = ["exercises", "keep_progress", "progress", "receipt"]
