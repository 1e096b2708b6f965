"""Published routers that ours is compared with, one module per family. The daemon uses none of them."""
