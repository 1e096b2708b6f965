"""One row per request in SQLite: schema, rows, questions, export. It holds no code, no prompt and no path."""
