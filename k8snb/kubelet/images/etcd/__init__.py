"""etcd as an image: a member in a pod (`member`), what it keeps on its volume (`data`), and its tools (`tools`)."""
