"""The Container Network Interface: plugins that connect a container to a network, and a runtime that calls them.

A plugin is a program that is told what to do in its environment (`CNI_COMMAND`, `CNI_NETNS` …) and how in a JSON
document on its standard input, and that answers with one on its standard output. `protocol` is that, as a function;
`plugins` are those of the book, each small. What they change is a `World`: the simulated network of a machine (`host`)
or a real Linux, through the `ip` command (`linux`). `runtime` calls a list of them one after the other, as a container
runtime does.
Upstream: the CNI specification 1.1.0, `containernetworking/cni`, `containernetworking/plugins`.
"""
