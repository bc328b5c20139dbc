"""Write the scenarios anew: `python -m tests.scenarios [NAME…]`. Look at the difference before you commit it."""

from __future__ import annotations

import sys

from tests.scenarios.script import HERE, play

for path in sorted(HERE.glob("*.txt")):
    if path.stem in sys.argv[1:] or len(sys.argv) == 1:
        text = path.read_text()
        played = play(text)
        if played != text:
            path.write_text(played)
            print(f"wrote {path.name}")
