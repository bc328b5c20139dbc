"""Objects that kubectl writes itself: what `create deployment`, `run` and `expose` make of their flags.

The fields stand in the order of upstream's structs, which is the order in which JSON shows them.
"""
