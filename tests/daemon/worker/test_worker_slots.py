"""Which slot a prompt continues."""

from __future__ import annotations

from halfwatt.daemon.worker.slots import MIN_COPY_TOKENS, Slots, common_prefix

LONG = list(range(4 * MIN_COPY_TOKENS))


def use(slots: Slots, tokens: list[int], document: str | None) -> tuple[int, int, int | None]:
    plan = slots.take(tokens, document)
    plan.slot.tokens = list(tokens)
    return plan.slot.index, plan.n_keep, plan.copy_from


def test_common_prefix_counts_equal_tokens() -> None:
    assert common_prefix([1, 2, 3], [1, 2, 4]) == 2
    assert common_prefix([], [1]) == 0
    assert common_prefix([1, 2], [1, 2, 3]) == 2


def test_same_prompt_again_leaves_one_token_to_decode() -> None:
    slots = Slots(2)
    use(slots, [1, 2, 3], "a")
    assert use(slots, [1, 2, 3], "a")[1] == 2


def test_job_that_reuses_nothing_reads_every_token() -> None:
    slots = Slots(2)
    slot = use(slots, [1, 2, 3], "a")[0]
    fresh = slots.take([1, 2, 3], "a", reuse=False)
    assert (fresh.slot.index, fresh.n_keep, fresh.copy_from) == (slot, 0, None)
    assert fresh.slot.tokens == []


def test_same_prompt_of_another_document_continues_where_it_is_known() -> None:
    slots = Slots(2)
    first = use(slots, [*LONG, 1], "a")[0]
    assert use(slots, LONG, "b") == (first, len(LONG) - 1, None)


def test_documents_keep_slots_of_their_own() -> None:
    slots = Slots(2)
    first, second = use(slots, [1, 2, 3], "a")[0], use(slots, [7, 8, 9], "b")[0]
    assert first != second
    assert use(slots, [1, 2, 3, 4], "a") == (first, 3, None)
    assert use(slots, [7, 8, 9, 4], "b") == (second, 3, None)


def test_least_recently_used_document_goes_first() -> None:
    slots = Slots(2)
    use(slots, [1, 1, 1], "a")
    oldest = use(slots, [2, 2, 2], "b")[0]
    use(slots, [1, 1, 1], "a")
    assert use(slots, [3, 3, 3], "c")[0] == oldest
    assert use(slots, [1, 1, 1, 1], "a")[1] == 3


def test_new_document_copies_a_long_beginning_of_another() -> None:
    slots = Slots(2)
    first = use(slots, [*LONG, 1], "a")[0]
    slot, n_keep, copied = use(slots, [*LONG, 2], "b")
    assert (slot != first, n_keep, copied) == (True, len(LONG), first)
    assert use(slots, [*LONG, 1, 5], "a") == (first, len(LONG) + 1, None)


def test_short_shared_beginning_is_not_copied() -> None:
    slots = Slots(2)
    use(slots, [1, 2, 3], "a")
    assert use(slots, [1, 2, 4], "b")[1:] == (0, None)


def test_own_state_is_replaced_where_another_knows_much_more() -> None:
    slots = Slots(2)
    mine = use(slots, [9, 9], "a")[0]
    other = use(slots, LONG, "b")[0]
    assert use(slots, [*LONG, 5], "a") == (mine, len(LONG), other)


def test_requests_without_document_continue_each_other() -> None:
    slots = Slots(3)
    first = use(slots, [1, 2, 3], None)[0]
    assert use(slots, [1, 2, 3, 4], None) == (first, 3, None)


def test_one_slot_serves_everything() -> None:
    slots = Slots(1)
    assert use(slots, [1, 2, 3], "a") == (0, 0, None)
    assert use(slots, [1, 2, 4], "b") == (0, 2, None)


def test_forgotten_slots_are_read_again() -> None:
    slots = Slots(2)
    use(slots, [1, 2, 3], "a")
    slots.forget()
    assert use(slots, [1, 2, 3], "a")[1] == 0
