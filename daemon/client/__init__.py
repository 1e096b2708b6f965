"""Finding, starting and calling the daemon. Every client of ours uses this room and nothing behind it."""
