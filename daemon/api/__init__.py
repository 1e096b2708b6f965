"""The HTTP API: OpenAI's endpoints and halfwatt's own, who may call them, and streaming. It answers nothing itself."""
