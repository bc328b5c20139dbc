"""The built-in kubectl: the real one's commands, flags and output, in Python, on the same API.

`command` reads a command line and calls a verb of `verbs`; a verb asks the API through `session` and prints with
`printing` and `describe`. Nothing here opens a socket or starts a process, so it also runs where there is no
binary to run: in a browser.
"""

from k8snb.kubectl.command import Kubectl, run
from k8snb.kubectl.output import Output

__all__ = ["Kubectl", "Output", "run"]
