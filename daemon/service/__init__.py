"""A request from arrival to its row in the ledger: policy, router, tier, meter, ledger. It speaks no HTTP."""
