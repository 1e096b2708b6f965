"""What a router is measured by: pairs, folds, curves, spending."""
