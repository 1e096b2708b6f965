"""The opt-in export: consent, one hour as OTLP, the queue on disk, and the only code that sends it.

Without consent it sends nothing.
"""
