"""The tables: every router on the same folds, and the reports."""
