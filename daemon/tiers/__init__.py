"""Who can answer: the local worker, and edge or cloud servers. A tier yields chunks and one end; it decides no
route.
"""
