"""Tasks, answers of candidate models, and verdicts by execution. Their code runs in the sandbox only."""
