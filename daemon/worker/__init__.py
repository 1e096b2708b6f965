"""The child process that owns one local model, and its supervisor. Only this room imports llama_cpp."""
