"""The small programs of a Unix image (`cat`, `grep`, `sleep`, `wget` …), each a function of an invocation.

A command returns its exit status, or is a generator that yields what it waits for. Which of them an image
has is a matter of the image's row in the table.
"""

from __future__ import annotations

from k8snb.kubelet.images.commands.archive import COMMANDS as ARCHIVE
from k8snb.kubelet.images.commands.blocks import COMMANDS as BLOCKS
from k8snb.kubelet.images.commands.curl import COMMANDS as CURL
from k8snb.kubelet.images.commands.files import COMMANDS as FILES
from k8snb.kubelet.images.commands.listing import COMMANDS as LISTING
from k8snb.kubelet.images.commands.net import COMMANDS as NET
from k8snb.kubelet.images.commands.system import COMMANDS as SYSTEM
from k8snb.kubelet.images.commands.text import COMMANDS as TEXT
from k8snb.kubelet.images.shell.interpreter import Command

COMMANDS: dict[str, Command] = {**ARCHIVE, **BLOCKS, **FILES, **LISTING, **TEXT, **SYSTEM, **NET, **CURL}
