"""Everything that the daemon's request path needs of the router, and the shipped artifact. It trains nothing."""
