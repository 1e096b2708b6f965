"""Imports the protocol's types in a fifth of the time, for the start of `halfwatt lsp`.

lsprotocol has more than 500 attrs classes, and attrs writes and compiles code for each at import. This server uses
about a hundred. So each becomes an attrs class at its first use: when an object is made, or its fields are asked for.

Comparison and text form are left out, because the server compares and prints none. Those that lsprotocol writes itself
(of Position, Range, Location) stay. Nothing changes where the types were imported before, nor for other classes.
"""

from __future__ import annotations

import functools
import gc
import importlib
from typing import Any

import attrs

_complete_class = functools.partial(attrs.define, eq=False, repr=False, slots=False)  # in place: no second class


def import_types() -> None:
    """To be called before pygls is imported, in a process that runs the language server and nothing else."""
    library: Any = attrs
    immediate = library.define
    gc.disable()  # what is made here stays: nothing to collect now, or to look through later
    library.define = _postpone
    try:
        importlib.import_module("lsprotocol.types")
    finally:
        library.define = immediate
        gc.freeze()
        gc.enable()
    hooks: Any = importlib.import_module("lsprotocol._hooks")
    hooks._resolved_forward_references = True  # done class by class instead


class _Fields:
    """Stands for a class's fields until somebody looks at them."""

    def __get__(self, _: object, cls: type) -> Any:
        _complete(next(it for it in cls.__mro__ if it.__dict__.get("__attrs_attrs__") is self))
        return cls.__attrs_attrs__  # type: ignore[attr-defined]  # attrs puts it there


def _postpone(cls: type) -> type:
    def make_first_object(self: Any, *arguments: Any, **named: Any) -> None:
        _complete(cls)
        type(self).__init__(self, *arguments, **named)

    cls.__init__ = make_first_object  # type: ignore[misc]  # until attrs writes the real one
    cls.__attrs_attrs__ = _Fields()  # type: ignore[attr-defined]
    return cls


def _complete(cls: type) -> None:
    from lsprotocol import types

    del cls.__init__  # type: ignore[misc]
    del cls.__attrs_attrs__  # type: ignore[attr-defined]
    _complete_class(cls)
    attrs.resolve_types(cls, types.ALL_TYPES_MAP, {})
