"""The HTTP API: OpenAI's endpoints and halfwatt's own, who may call them, streaming, and status events.

It turns requests into values and answers into bytes. It decides and generates nothing.
"""
