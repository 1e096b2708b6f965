"""What baselines need, generated or trained once and kept as text-free tables."""
