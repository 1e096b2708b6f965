"""The halfwatt language server, one process per editor window, and the `halfwatt` command.

It imports no model library.
"""
