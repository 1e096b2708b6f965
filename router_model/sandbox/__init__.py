"""Running foreign code with limits: bubblewrap and a system-call filter. It judges no result."""
