"""The pod network on a whole cluster: names, addresses, Services of every type, and the way of each packet."""
