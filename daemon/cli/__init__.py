"""Command-line groups that need no language server."""
