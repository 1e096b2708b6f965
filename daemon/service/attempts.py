"""The tiers' attempts at one request: the chosen tier answers, another one where it fails or its draft is in doubt.

What has been shown to the client is never taken back. Who may answer instead is routing's part, booking the service's.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import msgspec

from halfwatt.daemon.errors import HalfwattError, ModelError, PromptTooLongError, TierError, WorkerError
from halfwatt.daemon.inference.answer import Cancellation, Chunk, Ended
from halfwatt.daemon.routing.draft import Draft
from halfwatt.daemon.routing.policy import AllowedTiers, RequestFacts
from halfwatt.daemon.routing.request_router import RequestRouter
from halfwatt.daemon.routing.routing import Routing, stand_in
from halfwatt.daemon.tiers.local import LocalTier
from halfwatt.daemon.tiers.remote import RemoteTiers
from halfwatt.daemon.wire import RouteDecision

from .facts import tier_named
from .in_flight import InFlight


class Attempts:
    """Lets tiers answer. Attempts that came to nothing leave their joules on the request's record."""

    def __init__(self, local: LocalTier, remote: RemoteTiers, router: RequestRouter) -> None:
        self._local = local
        self._remote = remote
        self._router = router

    async def answer(self, running: InFlight, routing: Routing) -> None:
        """Answer, with other tiers where the first does not. Raises the last error where no other tier may."""
        failed: set[str] = set()
        while True:
            try:
                other = await self._try(running, routing)
                if other is None:
                    return
            except (WorkerError, ModelError, TierError) as error:
                failed.add(routing.decision.tier)
                other = self._stand_in(running, routing, error)
                if other is None or other.tier in failed:
                    raise _with_offer(error, routing.tiers) from None
            running.draft_dropped = bool(running.local_energy)
            routing = replace(routing, decision=other, candidates=())

    async def _try(self, running: InFlight, routing: Routing) -> RouteDecision | None:
        """Let one tier answer. The decision for another tier where its draft is found wanting before it is shown.

        The client gets the decision with the first text, because until then another one may follow. A draft that is
        found wanting after that stays; its decision then says so and offers the other tier.
        """
        running.decision = routing.decision
        draft = Draft(routing.request.whole) if self._router.checks_drafts(routing) else None
        stop = Cancellation()
        running.cancellation.on_request(stop.request)
        async with aclosing(self._chunks(running, routing, stop)) as chunks:
            async for item in chunks:
                if draft is None:
                    running.emit(item)
                    continue
                other = await self._other_tier(running, routing, draft, item)
                if other is not None and not running.cancellation.requested:
                    stop.request()
                    await _drain(chunks)
                    return other
                running.emit(*draft.released())
        return None

    async def _other_tier(
        self, running: InFlight, routing: Routing, draft: Draft, item: Chunk | Ended
    ) -> RouteDecision | None:
        """Judge a draft at its beginning and at its end; the decision for another tier where it may still follow."""
        again = await self._judged(routing, draft, item)
        if again is None:
            return None
        if again.tier == routing.decision.tier:
            running.decision = again
        elif running.text:
            running.decision = _in_doubt(routing.decision, again)
        else:
            return again
        return None

    async def _judged(self, routing: Routing, draft: Draft, item: Chunk | Ended) -> RouteDecision | None:
        """The decision again where the draft has just begun or ended, else None."""
        has_begun = draft.add(item)
        if isinstance(item, Ended) and item.stop != "cancelled":
            return await self._router.reconsider_whole(routing, draft.text, item)
        return self._router.reconsider(routing, draft.start_stats()) if has_begun else None

    def _chunks(self, running: InFlight, routing: Routing, stop: Cancellation) -> AsyncGenerator[Chunk | Ended, None]:
        tier = tier_named(routing.config, routing.decision.tier)
        if tier is not None:
            return self._remote.answer(routing.request, tier, stop, running.cloud_energy.append)
        return self._local.answer(routing.request, routing.config, stop, running.local_energy.append)

    def _stand_in(self, running: InFlight, routing: Routing, error: HalfwattError) -> RouteDecision | None:
        """Who answers instead of a tier that failed; None once something was shown or the request is cancelled."""
        if running.text or running.cancellation.requested:
            return None
        return stand_in(routing, self._facts_after(routing, error))

    def _facts_after(self, routing: Routing, error: HalfwattError) -> RequestFacts:
        if routing.decision.kind == "local":
            is_too_long = isinstance(error, PromptTooLongError)
            return replace(routing.facts, prompt_fits=not is_too_long, local_ready=is_too_long)
        is_ready = routing.facts.local_ready and self._local.can_be_asked
        return replace(routing.facts, local_ready=is_ready, local_model=self._local.model_id)


def _with_offer(error: HalfwattError, tiers: AllowedTiers) -> HalfwattError:
    """The error of a prompt that is too long names the tier that needs only the user's yes, if there is one."""
    if not isinstance(error, PromptTooLongError) or not tiers.askable:
        return error
    return PromptTooLongError(f"{error} Or ask “{min(tiers.askable)}” for it, with the route cloud.")


def _in_doubt(first: RouteDecision, again: RouteDecision) -> RouteDecision:
    """The first decision for an answer that has been shown, with the doubt that came after it."""
    reason = f"{first.reason}; shown already, but in doubt: {again.reason}"
    return msgspec.structs.replace(first, reason=reason, scores=again.scores, offer_cloud=True)


async def _drain(chunks: AsyncGenerator[Chunk | Ended, None]) -> None:
    """Wait for the end of a cancelled answer, so that its joules are known."""
    async for _ in chunks:
        pass
