"""Published routers that ours is compared with, one module per family."""
