"""The router: the pipeline that makes it, the exported artifact, and the code that runs it."""

import os

# onnxruntime's builds make an install id in the user's cache and collect usage from the moment of import. Only this
# variable, set before that, stops them. Nothing leaves the machine without consent.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
