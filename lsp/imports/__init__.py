"""Imports that new text needs: which names it uses and nothing binds, and where the import that binds them goes."""
