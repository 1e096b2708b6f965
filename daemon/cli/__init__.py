"""Command-line groups that need no language server.

They ask and print. What they show is worked out in other rooms, or by the running daemon.
"""
