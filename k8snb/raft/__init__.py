"""Raft, the agreement under etcd, as a pure state machine.

A `Member` is handed ticks, messages and proposals, and says what has to be written to its disk, sent to others and
applied to what the log describes. It knows no clock, no network and no disk, and its only chance is the generator that
it is given; so any run can be repeated, stepped and checked. Who drives it (`k8snb.raft.driver`) decides what of that
arrives, and when.

Source: Ongaro and Ousterhout, "In Search of an Understandable Consensus Algorithm" (extended version); Ongaro's
dissertation for pre-votes, leadership transfer, reads and changes of one member at a time; and etcd's `raft` for the
choices that these leave open.
"""
