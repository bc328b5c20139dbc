"""How results are written: tables, JSON, YAML, names, templates."""
