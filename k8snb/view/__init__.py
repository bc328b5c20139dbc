"""Pictures for readers, drawn from objects and from the record of what happened.

`theme` names the palette and the glyphs; `scene` says what a picture of the cluster shows at one revision;
`story` tells what happened between two revisions as frames; `stepper` puts frames under a scrubber;
`graphs` builds node-and-edge graphs from live objects and `dot` lays them out; `chart` draws numbers over
time. Whatever a view shows it also says: each carries its text, which is what tests compare.
"""
