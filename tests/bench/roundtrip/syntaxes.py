"""What the round-trip bench knows of each language's syntax: its own table, so that the product's can be found wrong.

Only the grammars are shared with the product. Kinds of nodes stand as strings with spaces.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Syntax:
    """One language. `stubs`: label → lines of a stub body; `example`, `helper` and `foreign_import` go into answers."""

    id: str  # LSP's languageId
    fence: str
    extensions: tuple[str, ...]
    functions: frozenset[str]  # nodes with a `body`
    closures: frozenset[str]  # functions that have a name only through what they are bound to
    wrappers: frozenset[str]  # belong to the function that is the only thing in them
    classes: frozenset[str]
    imports: frozenset[str]
    stubs: Mapping[str, tuple[str, ...]]
    draft: str  # a statement of a wrong body
    example: str  # uses of the function `{name}`
    helper: str  # a function that nothing uses
    foreign_import: str  # an import that nothing uses
    comment: str = "//"
    unit: str = "    "
    braces: bool = True
    broken_line: str = "= ;"  # half-typed code
    types: frozenset[str] = field(default_factory=frozenset)  # declarations of types, to tell nested positions


def kinds(names: str) -> frozenset[str]:
    return frozenset(names.split())


_SCRIPT = Syntax(
    id="javascript",
    fence="javascript",
    extensions=(".js", ".mjs", ".cjs", ".jsx"),
    functions=kinds(
        "function_declaration generator_function_declaration method_definition arrow_function function_expression "
        "generator_function"
    ),
    closures=kinds("arrow_function function_expression generator_function"),
    wrappers=kinds(
        "export_statement lexical_declaration variable_declaration variable_declarator pair assignment_expression "
        "expression_statement field_definition public_field_definition"
    ),
    classes=kinds("class_declaration class abstract_class_declaration"),
    imports=kinds("import_statement"),
    stubs={
        "empty": (),
        "throw": ('throw new Error("not implemented");',),
        "TODO": ("// TODO: implement",),
        "throw behind TODO": ("// TODO", "throw new Error('Not implemented yet')"),
    },
    draft="let draft = 1;",
    example="console.log({name}(1, 2));\nconsole.assert({name}(3) !== undefined);",
    helper="function roundUpToEven(value) {\n  return value + (value % 2);\n}",
    foreign_import="import {{ createHash }} from 'node:crypto';",
    unit="  ",
    broken_line="const unfinished = ;",
)
_TYPESCRIPT = replace(
    _SCRIPT,
    id="typescript",
    fence="typescript",
    extensions=(".ts", ".mts", ".cts"),
    helper="function roundUpToEven(value: number): number {\n  return value + (value % 2);\n}",
)
_C_STUBS = {
    "empty": (),
    "TODO": ("/* TODO: implement */",),
    "abort": ("abort();",),
    "assert": ("assert(false);",),
    "TODO and return": ("// TODO", "return 0;"),
}
_C = Syntax(
    id="c",
    fence="c",
    extensions=(".c", ".h"),
    functions=kinds("function_definition"),
    closures=frozenset(),
    wrappers=frozenset(),
    classes=frozenset(),
    imports=kinds("preproc_include"),
    stubs=_C_STUBS,
    draft="int draft = 1;",
    example='int main(void) {{\n    printf("%d\\n", {name}(1, 2));\n    return 0;\n}}',
    helper="static int round_up_to_even(int value) {\n    return value + value % 2;\n}",
    foreign_import="#include <math.h>",
    broken_line="int unfinished = ;",
)

SYNTAXES: tuple[Syntax, ...] = (
    Syntax(
        id="python",
        fence="python",
        extensions=(".py",),
        functions=kinds("function_definition"),
        closures=frozenset(),
        wrappers=kinds("decorated_definition"),
        classes=kinds("class_definition"),
        imports=kinds("import_statement import_from_statement"),
        stubs={
            "pass": ("pass",),
            "...": ("...",),
            "raise": ("raise NotImplementedError",),
            "raise with text": ('raise NotImplementedError("to be done")',),
            "TODO": ("# TODO: implement", "pass"),
            "same line": ("...",),
            "docstring only": (),
        },
        draft="draft = 1",
        example='if __name__ == "__main__":\n    print({name}(1, 2))\n    assert {name}(3) is not None',
        helper="def round_up_to_even(value):\n    return value + value % 2",
        foreign_import="import colorsys",
        comment="#",
        braces=False,
        broken_line="unfinished = = 1",
    ),
    _SCRIPT,
    _TYPESCRIPT,
    replace(_TYPESCRIPT, id="typescriptreact", fence="tsx", extensions=(".tsx",)),
    Syntax(
        id="go",
        fence="go",
        extensions=(".go",),
        functions=kinds("function_declaration method_declaration func_literal"),
        closures=kinds("func_literal"),
        wrappers=kinds("expression_list short_var_declaration var_spec var_declaration assignment_statement"),
        classes=frozenset(),
        imports=kinds("import_declaration"),
        stubs={
            "panic": ('panic("not implemented")',),
            "panic TODO": ('panic("TODO")',),
            "TODO": ("// TODO: implement",),
            "empty": (),
        },
        draft="draft := 1",
        example="func main() {{\n\tfmt.Println({name}(1, 2))\n}}",
        helper="func roundUpToEven(value int) int {\n\treturn value + value%2\n}",
        foreign_import='import "container/ring"',
        unit="\t",
        broken_line="var unfinished = = 1",
        types=kinds("type_declaration"),
    ),
    Syntax(
        id="rust",
        fence="rust",
        extensions=(".rs",),
        functions=kinds("function_item closure_expression"),
        closures=kinds("closure_expression"),
        wrappers=kinds("let_declaration"),
        classes=kinds("impl_item trait_item"),
        imports=kinds("use_declaration"),
        stubs={
            "todo!": ("todo!()",),
            "todo! with text": ('todo!("later");',),
            "unimplemented!": ("unimplemented!()",),
            "todo! behind TODO": ("// TODO", "todo!();"),
        },
        draft="let draft = 1;",
        example='fn main() {{\n    println!("{{:?}}", {name}(1, 2));\n}}',
        helper="fn round_up_to_even(value: u32) -> u32 {\n    value + value % 2\n}",
        foreign_import="use std::collections::BinaryHeap;",
        broken_line="let unfinished = ;",
    ),
    Syntax(
        id="java",
        fence="java",
        extensions=(".java",),
        functions=kinds("method_declaration constructor_declaration compact_constructor_declaration lambda_expression"),
        closures=kinds("lambda_expression"),
        wrappers=kinds("variable_declarator local_variable_declaration field_declaration"),
        classes=kinds(
            "class_declaration interface_declaration enum_declaration record_declaration annotation_type_declaration"
        ),
        imports=kinds("import_declaration"),
        stubs={
            "throw": ('throw new UnsupportedOperationException("Not implemented yet");',),
            "throw without text": ("throw new UnsupportedOperationException();",),
            "TODO": ("// TODO Auto-generated method stub",),
            "TODO and return": ("// TODO Auto-generated method stub", "return null;"),
            "empty": (),
        },
        draft="int draft = 1;",
        example=(
            "class Main {{\n    public static void main(String[] args) {{\n        System.out.println({name}(1));\n"
            "    }}\n}}"
        ),
        helper="static int roundUpToEven(int value) {\n    return value + value % 2;\n}",
        foreign_import="import java.util.zip.CRC32;",
        broken_line="int unfinished = ;",
    ),
    _C,
    replace(
        _C,
        id="cpp",
        fence="cpp",
        extensions=(".cpp", ".cc", ".cxx", ".hpp", ".hh", ".hxx", ".h"),
        functions=kinds("function_definition lambda_expression"),
        closures=kinds("lambda_expression"),
        wrappers=kinds("template_declaration init_declarator declaration"),
        classes=kinds("class_specifier struct_specifier union_specifier"),
        stubs=_C_STUBS | {"throw": ('throw std::logic_error("not implemented");',)},
        foreign_import="#include <complex>",
    ),
)
UNFINISHED = re.compile(
    r"todo|fixme|unimplemented|not[ _-]?(yet[ _-]?)?implemented|implement[ _]me|unsupported|abort|unreachable"
    r"|assert\w*!?\s*\(\s*(0|false)",
    re.IGNORECASE,
)


def for_id(language_id: str) -> Syntax:
    return next(it for it in SYNTAXES if it.id == language_id)
