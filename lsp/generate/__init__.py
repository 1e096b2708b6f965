"""Generating a function: what to ask, what the answer holds, how it fits the file, one job.

It changes a document only through the one edit that lsp/editor applies.
"""
