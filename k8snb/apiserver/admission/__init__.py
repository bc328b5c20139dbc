"""Admission: plugins that change or refuse a write before it is stored, one file each.

`chain.py` holds the table that runs them; `plugin.py` says what a plugin is given and how it refuses. A new plugin is a
file here and a row in the table.
"""
