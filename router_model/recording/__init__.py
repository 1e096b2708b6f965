"""What baselines need, generated or trained once and kept as tables without texts."""
