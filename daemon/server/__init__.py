"""The daemon's process: start, one per user, its parts put together, its log, its end.

It holds no logic of requests.
"""
