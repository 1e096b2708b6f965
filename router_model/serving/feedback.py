"""A small personal bias from what the user did with earlier answers. Pure: counts in, one number out.

Zero counts reset it. The bias is bounded, so it cannot move a probability far. It never looks at text.
"""

import math

MAX_BIAS_LOGIT = 0.5
_EXPECTED_SHARE = 0.7
_PRIOR_WEIGHT = 20.0


def bias_logit(n_accepted: int, n_rejected: int, n_undone: int = 0) -> float:
    """Shift of this model's pass probability on the logit scale, within ±`MAX_BIAS_LOGIT`.

    It comes from the share of answers that the user accepted and did not undo, shrunk towards the expected 70 % by
    twenty imagined answers. An answer that was accepted and then undone counts as rejected: pass it in `n_undone` and
    leave it in `n_accepted`.
    """
    if min(n_accepted, n_rejected, n_undone) < 0:
        raise ValueError("Feedback counts cannot be negative.")
    still_accepted = max(0, n_accepted - n_undone)
    total = still_accepted + n_rejected + min(n_undone, n_accepted)
    share = (still_accepted + _PRIOR_WEIGHT * _EXPECTED_SHARE) / (total + _PRIOR_WEIGHT)
    shift = _logit(share) - _logit(_EXPECTED_SHARE)
    return max(-MAX_BIAS_LOGIT, min(MAX_BIAS_LOGIT, shift))


def _logit(share: float) -> float:
    return math.log(share / (1 - share))
