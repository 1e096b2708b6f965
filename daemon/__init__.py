"""The halfwatt daemon: one process per user that owns policy, routing, tiers, energy and the ledger.

The files beside this one are what all rooms share: shapes on the wire, errors, folders. They import nothing of ours.
"""

__version__ = "0.1.0"
