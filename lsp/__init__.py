"""The halfwatt language server: thin, one process per editor window, imports no model library."""
