"""The router: the pipeline that makes it, the exported artifact, and the code that runs it."""
