"""Who can answer: the local worker, and edge or cloud servers with their keys.

A tier yields chunks and one end. It decides no route.
"""
