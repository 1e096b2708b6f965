"""What was suggested is found again after typing along and going back, and nowhere else."""

from __future__ import annotations

from halfwatt.lsp.completion.cache import LOOK_BACK, MAX_DOCUMENTS, PER_DOCUMENT, Cache, Entry


def cache_with(text: str, prefix: str = "x = ", suffix: str = "\n") -> Cache:
    cache = Cache()
    cache.put("file:///a", Entry("1", prefix, suffix, text))
    return cache


def found(cache: Cache, prefix: str, suffix: str = "\n", uri: str = "file:///a") -> str | None:
    hit = cache.find(uri, prefix, suffix)
    return hit.text if hit else None


def test_same_place_gives_the_same_text() -> None:
    assert found(cache_with("compute(y)"), "x = ") == "compute(y)"


def test_typing_along_leaves_the_rest() -> None:
    cache = cache_with("compute(y)")
    assert [found(cache, "x = " + "compute(y)"[:n]) for n in (1, 7, 10)] == ["ompute(y)", "(y)", ""]


def test_typing_something_else_finds_nothing() -> None:
    assert found(cache_with("compute(y)"), "x = d") is None


def test_going_back_finds_the_older_suggestion() -> None:
    cache = cache_with("compute(y)")
    cache.put("file:///a", Entry("2", "x = d", "\n", "define()"))
    assert found(cache, "x = d") == "define()"
    assert found(cache, "x = ") == "compute(y)"


def test_other_text_around_the_cursor_finds_nothing() -> None:
    cache = cache_with("compute(y)")
    assert found(cache, "x = ", "\ny = 2\n") is None
    assert found(cache, "z = 1\nx = ") is None
    assert found(cache, "x = ", uri="file:///b") is None


def test_bracket_that_the_editor_closed_is_replaced() -> None:
    hit = cache_with("compute(y)").find("file:///a", "x = compute(", ")\n")
    assert hit is not None
    assert (hit.text, hit.n_replaced) == ("y)", 1)


def test_closed_bracket_without_typing_is_another_place() -> None:
    assert found(cache_with("compute(y)"), "x = ", ")\n") is None


def test_nothing_to_say_is_remembered_too() -> None:
    cache = cache_with("")
    assert found(cache, "x = ") == ""
    assert found(cache, "x = a") is None


def test_look_back_is_bounded() -> None:
    text = "a" * (LOOK_BACK + 2)
    cache = cache_with(text)
    assert found(cache, "x = " + text[:LOOK_BACK]) == "aa"
    assert found(cache, "x = " + text[: LOOK_BACK + 1]) is None


def test_cache_forgets_the_oldest() -> None:
    cache = cache_with("compute(y)")
    for n in range(PER_DOCUMENT):
        cache.put("file:///a", Entry("n", f"y{n} = ", "\n", "text"))
    assert found(cache, "x = ") is None
    for n in range(MAX_DOCUMENTS):
        cache.put(f"file:///{n}", Entry("n", "x = ", "\n", "text"))
    assert found(cache, "y1 = ") is None


def test_closed_document_is_forgotten() -> None:
    cache = cache_with("compute(y)")
    cache.forget("file:///a")
    assert found(cache, "x = ") is None
