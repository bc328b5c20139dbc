"""What ties the pages of the book together: terms, links between pages, a map of them, and what exams ask for.

`terms` and `objectives` are tables (YAML beside them), `book` knows the pages, `links` finds which page speaks of which
others, `chart` draws that, and `extension` puts it all into the pages while Sphinx builds them.
"""
