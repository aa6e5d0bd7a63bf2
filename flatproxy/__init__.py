"""FlatProxy: a service-mesh proxy at the entrance of the node."""
