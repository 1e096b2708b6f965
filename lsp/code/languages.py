"""One small table per language: what the syntax tree calls things, and how code is written in it.

Adding a language is adding one `Language` to `LANGUAGES`. Nothing here parses, reads a file or knows LSP types.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath


@dataclass(frozen=True)
class Language:
    """`functions` have a `body` field; `wrappers` are nodes that belong to the function they hold (decorators,
    `export`, `const f = …`). `stub` matches the whole text of one placeholder statement. `homes` are the nodes whose
    direct children may be new functions (empty: the file itself). `scaffold` is what a method must stand in
    to parse on its own."""

    id: str
    name: str
    grammar: tuple[str, str]
    extensions: tuple[str, ...]
    functions: frozenset[str]
    classes: frozenset[str]
    imports: frozenset[str]
    comments: frozenset[str]
    strings: frozenset[str]
    calls: frozenset[str]
    wrappers: frozenset[str] = frozenset()
    declarations: frozenset[str] = frozenset()
    aliases: tuple[str, ...] = ()
    stub: str = r"(?!)"
    line_comment: str = "//"
    indent: str = "    "
    braces: bool = True
    homes: frozenset[str] = frozenset()
    expression_return: str = "return {};"
    scaffold: str = ""
    preamble: frozenset[str] = frozenset()  # what new imports must stand below when the file has none

    def is_stub(self, statement: str) -> bool:
        return bool(re.fullmatch(self.stub, statement, re.DOTALL) or _SAYS_UNFINISHED.fullmatch(statement))


# A statement that only says that something is still to be done, in any of the languages.
_SAYS_UNFINISHED = re.compile(
    r"(throw|raise|panic!?|abort|assert!?|return|std::abort)\b.*"
    r"\b(todo|fixme|unimplemented|not[ _-]?(yet[ _-]?)?implemented|implement[ _]me)\b.*",
    re.DOTALL | re.IGNORECASE,
)


def kinds(names: str) -> frozenset[str]:
    """Node kinds, from one string with spaces."""
    return frozenset(names.split())


_CLASS = "class Scaffold {{\n{}\n}}"
_JS_FUNCTIONS = kinds(
    "function_declaration generator_function_declaration function_expression generator_function arrow_function "
    "method_definition"
)
_JS_WRAPPERS = kinds(
    "export_statement lexical_declaration variable_declaration variable_declarator pair assignment_expression "
    "expression_statement field_definition public_field_definition"
)

LANGUAGES: tuple[Language, ...] = (
    Language(
        id="python",
        name="Python",
        grammar=("tree_sitter_python", "language"),
        extensions=(".py", ".pyi", ".pyw"),
        functions=kinds("function_definition"),
        classes=kinds("class_definition"),
        imports=kinds("import_statement import_from_statement future_import_statement"),
        comments=kinds("comment"),
        strings=kinds("string"),
        calls=kinds("call"),
        wrappers=kinds("decorated_definition"),
        stub=r"pass|\.\.\.|raise NotImplementedError(\(.*\))?",
        line_comment="#",
        braces=False,
        expression_return="return {}",
    ),
    Language(
        id="javascript",
        name="JavaScript",
        grammar=("tree_sitter_javascript", "language"),
        extensions=(".js", ".mjs", ".cjs", ".jsx"),
        aliases=("javascriptreact",),
        functions=_JS_FUNCTIONS,
        classes=kinds("class_declaration class"),
        imports=kinds("import_statement"),
        comments=kinds("comment"),
        strings=kinds("string template_string"),
        calls=kinds("call_expression"),
        wrappers=_JS_WRAPPERS,
        scaffold=_CLASS,
        indent="  ",
    ),
    Language(
        id="typescript",
        name="TypeScript",
        grammar=("tree_sitter_typescript", "language_typescript"),
        extensions=(".ts", ".mts", ".cts"),
        functions=_JS_FUNCTIONS,
        classes=kinds("class_declaration abstract_class_declaration class internal_module"),
        imports=kinds("import_statement"),
        comments=kinds("comment"),
        strings=kinds("string template_string"),
        calls=kinds("call_expression"),
        wrappers=_JS_WRAPPERS,
        scaffold=_CLASS,
        declarations=kinds("function_signature method_signature abstract_method_signature"),
        indent="  ",
    ),
    Language(
        id="typescriptreact",
        name="TypeScript (TSX)",
        grammar=("tree_sitter_typescript", "language_tsx"),
        extensions=(".tsx",),
        functions=_JS_FUNCTIONS,
        classes=kinds("class_declaration abstract_class_declaration class internal_module"),
        imports=kinds("import_statement"),
        comments=kinds("comment"),
        strings=kinds("string template_string"),
        calls=kinds("call_expression"),
        wrappers=_JS_WRAPPERS,
        scaffold=_CLASS,
        declarations=kinds("function_signature method_signature abstract_method_signature"),
        indent="  ",
    ),
    Language(
        id="go",
        name="Go",
        grammar=("tree_sitter_go", "language"),
        extensions=(".go",),
        functions=kinds("function_declaration method_declaration func_literal"),
        classes=frozenset(),
        imports=kinds("import_declaration"),
        comments=kinds("comment"),
        strings=kinds("interpreted_string_literal raw_string_literal"),
        calls=kinds("call_expression"),
        indent="\t",
        preamble=kinds("package_clause"),
    ),
    Language(
        id="rust",
        name="Rust",
        grammar=("tree_sitter_rust", "language"),
        extensions=(".rs",),
        functions=kinds("function_item"),
        classes=kinds("impl_item trait_item mod_item"),
        imports=kinds("use_declaration extern_crate_declaration"),
        comments=kinds("line_comment block_comment"),
        strings=kinds("string_literal raw_string_literal"),
        calls=kinds("call_expression"),
        declarations=kinds("function_signature_item"),
        stub=r"(todo|unimplemented)!\s*[({\[].*[)}\]];?",
        preamble=kinds("inner_attribute_item"),
    ),
    Language(
        id="java",
        name="Java",
        grammar=("tree_sitter_java", "language"),
        extensions=(".java",),
        functions=kinds("method_declaration constructor_declaration"),
        classes=kinds("class_declaration interface_declaration enum_declaration record_declaration"),
        imports=kinds("import_declaration"),
        comments=kinds("line_comment block_comment"),
        strings=kinds("string_literal"),
        calls=kinds("method_invocation"),
        stub=r"throw new UnsupportedOperationException\(.*\);",
        homes=kinds("class_body enum_body_declarations interface_body"),
        scaffold=_CLASS,
        preamble=kinds("package_declaration"),
    ),
    Language(
        id="c",
        name="C",
        grammar=("tree_sitter_c", "language"),
        extensions=(".c", ".h"),
        functions=kinds("function_definition"),
        classes=frozenset(),
        imports=kinds("preproc_include"),
        comments=kinds("comment"),
        strings=kinds("string_literal"),
        calls=kinds("call_expression"),
        stub=r"abort\(\);|assert\((0|false)\);",
    ),
    Language(
        id="cpp",
        name="C++",
        grammar=("tree_sitter_cpp", "language"),
        extensions=(".cpp", ".cc", ".cxx", ".hpp", ".hh", ".hxx"),
        functions=kinds("function_definition"),
        classes=kinds("class_specifier struct_specifier namespace_definition"),
        imports=kinds("preproc_include using_declaration"),
        comments=kinds("comment"),
        strings=kinds("string_literal raw_string_literal"),
        calls=kinds("call_expression"),
        wrappers=kinds("template_declaration"),
        stub=r"(std::)?abort\(\);|assert\((0|false)\);",
        homes=kinds("translation_unit declaration_list"),
    ),
)


def for_id(language_id: str, languages: tuple[Language, ...] = LANGUAGES) -> Language | None:
    """The language of an LSP languageId."""
    return next((it for it in languages if language_id == it.id or language_id in it.aliases), None)


def for_path(path: str, languages: tuple[Language, ...] = LANGUAGES) -> Language | None:
    """The language of a file name."""
    suffix = PurePath(path).suffix.lower()
    return next((it for it in languages if suffix in it.extensions), None)


def supported(languages: tuple[Language, ...] = LANGUAGES) -> str:
    """The names, for a sentence."""
    return ", ".join(it.name for it in languages)
