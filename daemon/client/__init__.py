"""Finding, starting and calling the daemon. Our own clients use this room and nothing else of the daemon's inside."""
