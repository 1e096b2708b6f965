"""The tables: every router on the same folds, and the reports. Each router is a module of another room."""
