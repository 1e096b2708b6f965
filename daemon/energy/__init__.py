"""Joules as values: readings with a range, their sums, and estimates for other servers. It measures nothing."""
