"""Generating a function: what to ask, what the answer holds, how it fits the file, one job."""
