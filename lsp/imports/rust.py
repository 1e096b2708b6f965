"""Imports of Rust: what `use` trees bind, which are needed, and where they go.

A glob of an unknown module may bind any name, so nothing is added beside one; `use super::*` brings what the module
around has. Traits are not named where their methods are called: an offered trait of the standard library counts as used
where one of its methods is.
"""

from __future__ import annotations

import re
from pathlib import Path

from tree_sitter import Node

from halfwatt.daemon.code.edits import Edit
from halfwatt.daemon.code.syntax import Source, ancestors

from .names import NewText, Use
from .rust_place import placed
from .rust_tree import Leaf, leaves, leaves_of
from .standard import standard, words

_ALWAYS = words(
    "std core alloc crate self super Self Option Some None Result Ok Err Vec String Box ToString ToOwned Clone Copy "
    "Send Sync Sized Drop Fn FnMut FnOnce Iterator IntoIterator Extend DoubleEndedIterator ExactSizeIterator Default "
    "PartialEq PartialOrd Eq Ord AsRef AsMut Into From TryFrom TryInto FromIterator drop Debug Hash Unpin bool char "
    "str u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 _"
)
_PLAIN_MACROS = words(
    "assert assert_eq assert_ne dbg debug_assert debug_assert_eq debug_assert_ne eprint eprintln format format_args "
    "matches panic print println todo unimplemented unreachable vec write writeln"
)
_CORE = words(
    "any array cell char clone cmp convert default fmt hash hint iter marker mem num ops option pin ptr result slice "
    "str task"
)
_NOT_CORE = words("DefaultHasher RandomState")
_ALSO_CRATES = frozenset({"backtrace", "time", "simd", "hash"})  # a path may begin with the name of a crate
_MACROS_OF_WRITE = frozenset({"write", "writeln"})


def edits(text: NewText, offered: tuple[str, ...], folder: Path | None) -> list[Edit]:
    offers = [leaf for it in offered for leaf in leaves_of(Source(it, text.after.language))]
    by_module: dict[int, tuple[Node, dict[Leaf, None]]] = {}
    for use in text.uses:
        if use.name in _ALWAYS and _offer(offers, use.name) is None:
            continue
        module = text.module_of(use.node)
        visible = _visible(text, use.node)
        if use.name in text.used_elsewhere or any(it.name == use.name for it in visible):
            continue
        if any(_may_bind(it, use.name) for it in visible):
            continue
        found = _offer(offers, use.name) or _known(text.after, use)
        if found is not None:
            by_module.setdefault(module.id, (module, {}))[1][found] = None
    _add_traits(text, offers, by_module)
    return [edit for module, found in by_module.values() for edit in placed(text, module, list(found))]


def _visible(text: NewText, node: Node) -> list[Leaf]:
    """The imported names at a node. `use super::*` adds those of the module around."""
    found = [leaf for it in text.imports_in_sight(node) for leaf in leaves(text.after, it)]
    module = text.module_of(node)
    glob = Leaf(("super",), "*")
    if glob in found and module.parent is not None:
        found = [it for it in found if it != glob] + _visible(text, module.parent)
    return found


def _may_bind(leaf: Leaf, name: str) -> bool:
    """Whether a glob may bind a name: one of the standard library binds what it is known to have."""
    if leaf.name != "*":
        return False
    known = _known_members("::".join(leaf.path))
    return known is None or name in known


def _known_members(module: str) -> frozenset[str] | None:
    return standard("rust").modules.get(re.sub(r"^(core|alloc)\b", "std", module))


def _offer(offers: list[Leaf], name: str) -> Leaf | None:
    return next((it for it in offers if it.name == name), None)


def _known(source: Source, use: Use) -> Leaf | None:
    """A module or enum of the standard library with what is looked up in it, or one of its common names."""
    if _is_in_unknown_macro(source, use.node):
        return None
    names = standard("rust")
    if use.members and use.name not in _ALSO_CRATES:
        paths = [
            it for it, members in names.modules.items() if it.rpartition("::")[2] == use.name and use.member in members
        ]
        paths = [it for it in paths if it.count("::") == min(each.count("::") for each in paths)]
        if len(paths) == 1:
            return _leaf(source, paths[0])
    common = names.common.get(use.name)
    is_sure = use.name[0].isupper() or _is_called(use.node)
    return _leaf(source, f"{common}::{use.name}") if common and is_sure else None


def _leaf(source: Source, path: str) -> Leaf | None:
    """A path of `std`, or what `core` has of it where the file does without `std`."""
    parts = tuple(path.split("::"))
    if _is_without_std(source):
        is_core = parts[1] in _CORE or parts[1:3] == ("sync", "atomic")
        return Leaf(("core", *parts[1:]), parts[-1]) if is_core and parts[-1] not in _NOT_CORE else None
    return Leaf(parts, parts[-1])


def _is_in_unknown_macro(source: Source, node: Node) -> bool:
    """Whether a name is a macro's, or stands in one that may make anything of its tokens."""
    calls = [it.child_by_field_name("macro") for it in ancestors(node) if it.type == "macro_invocation"]
    names = [source.text_of(it).rpartition("::")[2] for it in calls if it is not None]
    behind = node.next_sibling
    return any(it not in _PLAIN_MACROS for it in names) or (behind is not None and behind.type == "!")


def _is_called(node: Node) -> bool:
    parent = node.parent
    return parent is not None and parent.type == "call_expression" and parent.child_by_field_name("function") == node


def _is_without_std(source: Source) -> bool:
    """Whether the crate, or as it seems the file, does without `std`."""
    paths = {it.path[0] for node in source.root.named_children for it in leaves(source, node) if it.path}
    attributes = (it for it in source.root.named_children if it.type == "inner_attribute_item")
    return any("no_std" in source.text_of(it) for it in attributes) or bool(
        paths & {"core", "alloc"} and "std" not in paths
    )


def _add_traits(text: NewText, offers: list[Leaf], by_module: dict[int, tuple[Node, dict[Leaf, None]]]) -> None:
    """Offered traits of the standard library whose methods the new text calls."""
    called = _called_methods(text)
    for leaf in offers:
        methods = standard("rust").traits.get(re.sub(r"^(core|alloc)\b", "std", "::".join(leaf.path)), frozenset())
        user = next((node for name, node in called if name in methods), None)
        if user is None or leaf.path[-1] in _ALWAYS:
            continue
        visible = _visible(text, user)
        if any(it.path == leaf.path or it.name == leaf.name or _may_bind(it, leaf.name) for it in visible):
            continue
        module = text.module_of(user)
        by_module.setdefault(module.id, (module, {}))[1][leaf] = None


def _called_methods(text: NewText) -> list[tuple[str, Node]]:
    found: list[tuple[str, Node]] = []
    for node in text.new_nodes():
        if node.type == "field_identifier":
            found.append((text.after.text_of(node), node))
        elif node.type == "macro_invocation":
            macro = node.child_by_field_name("macro")
            if macro is not None and text.after.text_of(macro) in _MACROS_OF_WRITE:
                found.append(("write_fmt", node))
        elif node.type == "identifier" and node.prev_sibling is not None and node.prev_sibling.type in (".", "::"):
            found.append((text.after.text_of(node), node))
    return found
