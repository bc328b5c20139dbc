"""Pure functions on objects, and the tables that they run on.

The table of kinds (`scheme`), the schema of their fields (`schema`), quantities, selectors, patches, names and
validation: what an API server and its clients both need, without knowing either.
"""
