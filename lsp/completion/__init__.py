"""Ghost text: whether to ask, what to ask, when, and what became of it. It knows no LSP message."""
