"""The halfwatt daemon: one process per user that owns policy, routing, tiers, energy and the ledger."""

__version__ = "0.1.0"
