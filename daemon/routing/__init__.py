"""Which tier answers: the policy first, the learned router where it may choose, the explicit rule where not.

It calls no tier.
"""
