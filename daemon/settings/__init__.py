"""Settings: their types and defaults, one value, the file, the environment, and the ones in force. It holds no key."""
