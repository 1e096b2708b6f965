"""The list of languages: for each one, what its syntax tree calls things, and how code is written in it.

A new language is one `Language` in `LANGUAGES` and its grammar in pyproject.toml. tests/rules/test_lists.py compares
the editors' and the telemetry's lists with this table. Nothing here parses, reads a file or knows LSP types.

Some things stand with the code that reads them: Python's scopes in undefined.py, import styles in
completion/context/imports.py, scopes and rules of imports in lsp/imports. The same holds for what grammars share:
fields of nodes, and kinds of names in functions.py. Such code does nothing where a language lacks them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Literal

ImportStyle = Literal["python", "script", "go", "rust", "java", "include"]


@dataclass(frozen=True)
class Language:
    """One language. Fields with a default are given only where the default does not fit.

    A field that is a set of strings holds kinds of nodes in the syntax tree."""

    id: str  # LSP's languageId
    name: str  # for people
    grammar: tuple[str, str]  # module and function
    extensions: tuple[str, ...]  # of file names
    functions: frozenset[str]  # nodes that have a `body` field
    classes: frozenset[str]
    imports: frozenset[str]
    comments: frozenset[str]
    strings: frozenset[str]
    calls: frozenset[str]
    wrappers: frozenset[str] = frozenset()  # belong to the function in them: decorators, `export`, `const f = …`
    sole_wrappers: frozenset[str] = frozenset()  # wrappers only where nothing else stands in them: `const a = …, b = …`
    wrapped_only: Mapping[str, str] = field(default_factory=dict, hash=False)  # wrapper: what alone it belongs to
    attributes: frozenset[str] = frozenset()  # may stand between a function and the comment above it
    statement_groups: frozenset[str] = frozenset()  # stand between a body and its statements
    docstrings: frozenset[str] = frozenset()  # strings that document a function as its first statement
    objects: frozenset[str] = frozenset()  # expressions whose functions are their members: literals, unnamed classes
    constructor_nodes: frozenset[str] = frozenset()  # functions that are constructors by their kind
    constructors: tuple[str, ...] = ()  # names of methods that tell what a class holds
    declarations: frozenset[str] = frozenset()  # functions without a body
    definitions: frozenset[str] = frozenset()  # what else a helper of an answer may be: constants, types, macros
    types: frozenset[str] = frozenset()  # type definitions that other files may need to know whole
    containers: frozenset[str] = frozenset()  # namespaces and the like, to be looked into
    namespaces: frozenset[str] = frozenset()  # classes of the tree that are none: what is in them stands for itself
    homes: frozenset[str] = frozenset()  # whose direct children may be new functions; empty: the file itself
    preamble: frozenset[str] = frozenset()  # what new imports must stand below when the file has none
    aliases: tuple[str, ...] = ()  # further languageIds
    import_style: ImportStyle | None = None  # how import statements name files; None: their files are not read
    stub: str = r"(?!)"  # matches the whole text of one placeholder statement
    line_comment: str = "//"
    indent: str = "    "
    braces: bool = True  # False: blocks begin with a colon and are made by indentation
    triple_quotes: bool = False  # strings over many lines between three quotes
    backticks: bool = False  # strings over many lines between backticks
    single_quotes: Literal["string", "character"] = "string"  # what stands between single quotes
    expression_return: str = "return {};"
    scaffold: str = ""  # what a method must stand in to parse on its own; its name is SCAFFOLD
    object_scaffold: str = ""  # the same for a function that is a value in an object
    local_imports: bool = False  # whether a function's body may hold imports
    keyword: str = ""  # begins the declaration of a function; "" where its type or name does
    keyword_in_class: bool = True  # whether it begins a method's, too
    body_frame: str = ""  # the declaration, brace included, that any function's body may follow

    @property
    def frames(self) -> list[str]:
        """What a part of a file may have to stand in to parse on its own."""
        return [it for it in (self.scaffold, self.object_scaffold) if it]

    def is_stub(self, statement: str) -> bool:
        return bool(re.fullmatch(self.stub, statement, re.DOTALL) or _SAYS_UNFINISHED.fullmatch(statement))


# A statement that only says that something is still to be done, in any of the languages. Words about the program's own
# subject are none: `return todos`, `raise Missing("Todo not found")`, Python's `return NotImplemented`.
_SAYS_UNFINISHED = re.compile(
    r"(?!return NotImplemented\b)(throw|raise|panic!?|abort|assert!?|return|std::abort)\b.*"
    r"(\b(TODO|FIXME)\b|[\"'`](todo|fixme)\b[\s.:!]*[\"'`]"
    r"|\b(?i:unimplemented|not[ _-]?(yet[ _-]?)?implemented|implement[ _]me)\b).*",
    re.DOTALL,
)


def kinds(names: str) -> frozenset[str]:
    """Node kinds, from one string with spaces."""
    return frozenset(names.split())


SCAFFOLD = "Scaffold"
_CLASS = "class Scaffold {{\n{}\n}}"
_JS_FRAME = "async function* _() {\n"
_OBJECT = "const Scaffold = {{\n{}\n}};"
_JS_FUNCTIONS = kinds(
    "function_declaration generator_function_declaration function_expression generator_function arrow_function "
    "method_definition"
)
_JS_WRAPPERS = kinds(
    "export_statement lexical_declaration variable_declaration variable_declarator pair assignment_expression "
    "expression_statement"
)
_JS_SOLE_WRAPPERS = kinds("lexical_declaration variable_declaration")
_JS_WRAPPED_ONLY = {"expression_statement": "assignment_expression"}
_JS_DEFINITIONS = kinds("expression_statement lexical_declaration variable_declaration")
_TS_TYPES = kinds("type_alias_declaration interface_declaration enum_declaration")
_TS_DECLARATIONS = kinds("function_signature method_signature abstract_method_signature")
_C_DEFINITIONS = kinds(
    "expression_statement declaration field_declaration struct_specifier type_definition preproc_def "
    "preproc_function_def"
)

_TYPESCRIPT = Language(
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
    objects=kinds("object"),
    wrappers=_JS_WRAPPERS | kinds("public_field_definition"),
    sole_wrappers=_JS_SOLE_WRAPPERS,
    wrapped_only=_JS_WRAPPED_ONLY,
    constructors=("constructor",),
    declarations=_TS_DECLARATIONS,
    definitions=_JS_DEFINITIONS | _TS_TYPES,
    types=_TS_TYPES,
    containers=kinds("internal_module"),
    namespaces=kinds("internal_module"),
    import_style="script",
    backticks=True,
    scaffold=_CLASS,
    keyword="function",
    keyword_in_class=False,
    body_frame=_JS_FRAME,
    object_scaffold=_OBJECT,
    indent="  ",
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
        docstrings=kinds("string concatenated_string"),
        constructors=("__init__",),
        definitions=kinds("expression_statement assignment type_alias_statement"),
        import_style="python",
        stub=r"pass|\.\.\.|raise NotImplementedError(\(.*\))?",
        line_comment="#",
        braces=False,
        triple_quotes=True,
        local_imports=True,
        expression_return="return {}",
        keyword="def",
        body_frame="def _():\n",
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
        objects=kinds("object"),
        wrappers=_JS_WRAPPERS | kinds("field_definition"),
        sole_wrappers=_JS_SOLE_WRAPPERS,
        wrapped_only=_JS_WRAPPED_ONLY,
        constructors=("constructor",),
        definitions=_JS_DEFINITIONS,
        import_style="script",
        backticks=True,
        scaffold=_CLASS,
        keyword="function",
        keyword_in_class=False,
        body_frame=_JS_FRAME,
        object_scaffold=_OBJECT,
        indent="  ",
    ),
    _TYPESCRIPT,
    replace(
        _TYPESCRIPT,
        id="typescriptreact",
        name="TypeScript (TSX)",
        grammar=("tree_sitter_typescript", "language_tsx"),
        extensions=(".tsx",),
    ),
    Language(
        id="go",
        name="Go",
        grammar=("tree_sitter_go", "language"),
        extensions=(".go",),
        functions=kinds("function_declaration method_declaration func_literal"),
        wrappers=kinds("expression_list short_var_declaration assignment_statement var_spec var_declaration"),
        sole_wrappers=kinds("expression_list var_declaration"),
        statement_groups=kinds("statement_list"),
        classes=frozenset(),
        imports=kinds("import_declaration"),
        comments=kinds("comment"),
        strings=kinds("interpreted_string_literal raw_string_literal"),
        calls=kinds("call_expression"),
        definitions=kinds("expression_statement const_declaration var_declaration type_declaration field_declaration"),
        types=kinds("type_declaration"),
        preamble=kinds("package_clause"),
        import_style="go",
        indent="\t",
        backticks=True,
        single_quotes="character",
        keyword="func",
        body_frame="func _() {\n",
    ),
    Language(
        id="rust",
        name="Rust",
        grammar=("tree_sitter_rust", "language"),
        extensions=(".rs",),
        functions=kinds("function_item closure_expression"),
        wrappers=kinds("let_declaration"),
        attributes=kinds("attribute_item"),
        classes=kinds("impl_item trait_item mod_item"),
        imports=kinds("use_declaration extern_crate_declaration"),
        comments=kinds("line_comment block_comment"),
        strings=kinds("string_literal raw_string_literal"),
        calls=kinds("call_expression"),
        declarations=kinds("function_signature_item"),
        definitions=kinds(
            "expression_statement const_item static_item struct_item enum_item type_item macro_definition "
            "field_declaration"
        ),
        types=kinds("struct_item enum_item"),
        containers=kinds("declaration_list"),
        namespaces=kinds("mod_item"),
        preamble=kinds("inner_attribute_item"),
        import_style="rust",
        local_imports=True,
        stub=r"(todo|unimplemented)!\s*[({\[].*[)}\]];?",
        single_quotes="character",
        keyword="fn",
        body_frame="fn _() {\n",
    ),
    Language(
        id="java",
        name="Java",
        grammar=("tree_sitter_java", "language"),
        extensions=(".java",),
        functions=kinds("method_declaration constructor_declaration compact_constructor_declaration lambda_expression"),
        wrappers=kinds("variable_declarator local_variable_declaration field_declaration constant_declaration"),
        classes=kinds("class_declaration interface_declaration enum_declaration record_declaration"),
        imports=kinds("import_declaration"),
        comments=kinds("line_comment block_comment"),
        strings=kinds("string_literal"),
        calls=kinds("method_invocation"),
        objects=kinds("object_creation_expression enum_constant"),
        constructor_nodes=kinds("constructor_declaration compact_constructor_declaration"),
        definitions=kinds(
            "expression_statement field_declaration constant_declaration interface_declaration enum_declaration"
        ),
        types=kinds("interface_declaration enum_declaration"),
        homes=kinds("class_body enum_body_declarations interface_body"),
        preamble=kinds("package_declaration"),
        import_style="java",
        stub=r"throw new UnsupportedOperationException\(.*\);",
        single_quotes="character",
        scaffold=_CLASS,
        body_frame="class Scaffold { Scaffold() {\n",  # a constructor's body may hold all that a method's may
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
        definitions=_C_DEFINITIONS,
        containers=kinds("declaration_list"),
        import_style="include",
        stub=r"abort\(\);|assert\((0|false)\);",
        single_quotes="character",
        body_frame="void _() {\n",
    ),
    Language(
        id="cpp",
        name="C++",
        grammar=("tree_sitter_cpp", "language"),
        extensions=(".cpp", ".cc", ".cxx", ".hpp", ".hh", ".hxx"),
        functions=kinds("function_definition lambda_expression"),
        classes=kinds("class_specifier struct_specifier namespace_definition"),
        imports=kinds("preproc_include using_declaration"),
        comments=kinds("comment"),
        strings=kinds("string_literal raw_string_literal"),
        calls=kinds("call_expression"),
        wrappers=kinds("template_declaration init_declarator declaration"),
        wrapped_only={"declaration": "init_declarator"},
        definitions=_C_DEFINITIONS,
        containers=kinds("declaration_list namespace_definition"),
        namespaces=kinds("namespace_definition"),
        homes=kinds("translation_unit declaration_list"),
        import_style="include",
        stub=r"(std::)?abort\(\);|assert\((0|false)\);",
        single_quotes="character",
        scaffold="class Scaffold {{\n{}\n}};",
        body_frame="void _() {\n",
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
