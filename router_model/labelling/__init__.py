"""Tasks, answers of candidate models, and verdicts by execution."""
