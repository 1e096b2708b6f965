"""The editor's side of the protocol: documents, edits, progress, messages, status, the link to the daemon.

It neither finds nor generates code.
"""
