"""What each language calls the parts that bind and use names: the tables behind names.py.

Bindings are overstated where a choice had to be made. A name that counts as bound too often costs an import; one that
counts too seldom damages a file. Blocks are no scopes, functions are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from halfwatt.daemon.code.languages import ImportStyle, kinds


@dataclass(frozen=True)
class Scoping:
    """One language's scopes. Sets of strings hold kinds of nodes; mappings go from a kind to names of fields."""

    uses: frozenset[str]  # leaves that may use a name
    scopes: frozenset[str]  # names in them are not seen outside
    binders: Mapping[str, tuple[str, ...]]  # the fields with the names that a node binds; "": all of the node
    named_scopes: Mapping[str, str] = field(default_factory=dict)  # scopes whose own name is bound around them
    blind: frozenset[str] = frozenset()  # scopes whose names the functions in them do not see
    modules: frozenset[str] = frozenset()  # scopes that see nothing of what is around them
    no_names: frozenset[str] = frozenset()  # parts of a binder that only use names
    with_body: frozenset[str] = frozenset()  # binders that bind nothing without a `body`


# For every language: nodes that look a name up in another: the fields of what is looked in, and of the name.
MEMBERS: dict[str, tuple[str, str]] = {
    "attribute": ("object", "attribute"),
    "member_expression": ("object", "property"),
    "field_access": ("object", "field"),
    "method_invocation": ("object", "name"),
    "selector_expression": ("operand", "field"),
    "qualified_type": ("package", "name"),
    "scoped_identifier": ("path", "name"),
    "scoped_type_identifier": ("path", "name"),
    "nested_identifier": ("object", "property"),
    "nested_type_identifier": ("module", "name"),
    "qualified_identifier": ("scope", "name"),
}
# For every language: fields that hold a word which is no name in scope, by the node around it.
WORDS = {
    "keyword_argument": "name",
    "element_value_pair": "key",
    "labeled_statement": "label",
    "jsx_attribute": "name",
}

_PYTHON = Scoping(
    uses=kinds("identifier"),
    scopes=kinds(
        "function_definition class_definition lambda list_comprehension set_comprehension dictionary_comprehension "
        "generator_expression"
    ),
    binders={
        "assignment": ("left",),
        "augmented_assignment": ("left",),
        "named_expression": ("name",),
        "for_statement": ("left",),
        "for_in_clause": ("left",),
        "type_alias_statement": ("left",),
        "as_pattern_target": ("",),
        "global_statement": ("",),
        "nonlocal_statement": ("",),
        "type_parameter": ("",),
        "case_pattern": ("",),
        "parameters": ("",),
        "lambda_parameters": ("",),
    },
    named_scopes={"function_definition": "name", "class_definition": "name"},
    blind=kinds("class_definition"),
    no_names=kinds("attribute subscript call type default_value"),
)
_SCRIPT = Scoping(
    uses=kinds("identifier type_identifier shorthand_property_identifier"),
    scopes=kinds(
        "function_declaration generator_function_declaration function_expression generator_function arrow_function "
        "method_definition internal_module module class_body"
    ),
    binders={
        "variable_declarator": ("name",),
        "class_declaration": ("name",),
        "abstract_class_declaration": ("name",),
        "class": ("name",),
        "enum_declaration": ("name",),
        "interface_declaration": ("name",),
        "type_alias_declaration": ("name",),
        "function_signature": ("name",),
        "function_expression": ("name",),
        "formal_parameters": ("",),
        "arrow_function": ("parameter",),
        "catch_clause": ("parameter",),
        "for_in_statement": ("left",),
        "assignment_expression": ("left",),
        "type_parameter": ("name",),
        "import_alias": ("",),
    },
    named_scopes={
        "function_declaration": "name",
        "generator_function_declaration": "name",
        "internal_module": "name",
        "module": "name",
    },
    no_names=kinds("member_expression subscript_expression call_expression type_annotation new_expression decorator"),
)
_GO = Scoping(
    uses=kinds("identifier package_identifier"),
    scopes=kinds("function_declaration method_declaration func_literal"),
    binders={
        "short_var_declaration": ("left",),
        "var_spec": ("name",),
        "const_spec": ("name",),
        "parameter_declaration": ("name",),
        "variadic_parameter_declaration": ("name",),
        "type_parameter_declaration": ("name",),
        "type_spec": ("name",),
        "type_alias": ("name",),
        "range_clause": ("left",),
        "receive_statement": ("left",),
        "type_switch_statement": ("alias",),
    },
    named_scopes={"function_declaration": "name"},
    no_names=kinds("selector_expression index_expression call_expression qualified_type"),
)
_RUST = Scoping(
    uses=kinds("identifier type_identifier"),
    scopes=kinds("function_item closure_expression mod_item impl_item trait_item macro_definition"),
    binders={
        "let_declaration": ("pattern",),
        "let_condition": ("pattern",),
        "parameter": ("pattern",),
        "closure_parameters": ("",),
        "for_expression": ("pattern",),
        "match_arm": ("pattern",),
        "function_signature_item": ("name",),
        "struct_item": ("name",),
        "enum_item": ("name",),
        "union_item": ("name",),
        "type_item": ("name",),
        "const_item": ("name",),
        "static_item": ("name",),
        "type_parameter": ("name",),
        "const_parameter": ("name",),
    },
    named_scopes={
        "function_item": "name",
        "mod_item": "name",
        "trait_item": "name",
        "macro_definition": "name",
    },
    modules=kinds("mod_item"),
    no_names=kinds("scoped_identifier scoped_type_identifier type_identifier generic_type call_expression"),
)
_JAVA = Scoping(
    uses=kinds("identifier type_identifier"),
    scopes=kinds("method_declaration constructor_declaration compact_constructor_declaration lambda_expression"),
    binders={
        "class_declaration": ("name",),
        "interface_declaration": ("name",),
        "enum_declaration": ("name",),
        "record_declaration": ("name",),
        "annotation_type_declaration": ("name",),
        "enum_constant": ("name",),
        "variable_declarator": ("name",),
        "formal_parameter": ("name",),
        "spread_parameter": ("",),
        "catch_formal_parameter": ("name",),
        "enhanced_for_statement": ("name",),
        "resource": ("name",),
        "instanceof_expression": ("name",),
        "type_pattern": ("",),
        "record_pattern_component": ("",),
        "inferred_parameters": ("",),
        "lambda_expression": ("parameters",),
        "type_parameter": ("",),
    },
    named_scopes={"method_declaration": "name"},
    no_names=kinds("type_identifier generic_type type_bound"),
)
_INCLUDE = Scoping(
    uses=kinds("identifier type_identifier namespace_identifier"),
    scopes=frozenset(),
    binders={
        "declaration": ("declarator",),
        "function_definition": ("declarator",),
        "field_declaration": ("declarator",),
        "parameter_declaration": ("declarator",),
        "optional_parameter_declaration": ("declarator",),
        "for_range_loop": ("declarator",),
        "init_declarator": ("declarator",),
        "function_declarator": ("declarator",),
        "type_definition": ("declarator",),
        "preproc_def": ("name",),
        "preproc_function_def": ("name", "parameters"),
        "struct_specifier": ("name",),
        "union_specifier": ("name",),
        "enum_specifier": ("name",),
        "class_specifier": ("name",),
        "enumerator": ("name",),
        "alias_declaration": ("name",),
        "namespace_alias_definition": ("name",),
        "type_parameter_declaration": ("",),
        "lambda_capture_initializer": ("left",),
    },
    no_names=kinds(
        "parameter_list initializer_list argument_list qualified_identifier template_argument_list number_literal "
        "call_expression noexcept trailing_return_type requires_clause"
    ),
    with_body=kinds("struct_specifier union_specifier enum_specifier class_specifier"),
)
SCOPINGS: dict[ImportStyle, Scoping] = {
    "python": _PYTHON,
    "script": _SCRIPT,
    "go": _GO,
    "rust": _RUST,
    "java": _JAVA,
    "include": _INCLUDE,
}
