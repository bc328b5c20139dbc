"""The registry: what is particular to each kind when it is written.

One strategy per kind (`strategy.py` says what it is asked and when), a file per family of kinds, and one table
(`table.py`) that lists them all. Defaulting, validation and the rules of updates are those of the upstream files
that each module names; the messages are theirs to the letter.
"""
