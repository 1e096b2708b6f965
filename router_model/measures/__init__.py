"""What a router is measured by: pairs, folds, curves, spending. It holds no router."""
