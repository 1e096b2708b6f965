"""Imports of the other languages. The text between the `¦` is new. The forms are those of real packages."""

from __future__ import annotations

from pathlib import Path

import pytest
from import_case import added_lines, with_imports

GO = "\n\nfunc f(s string) string {¦\n\treturn strings.ToUpper(s)\n¦}\n"
JAVA = "\n\nclass A {\n    Object f() {¦\n        return new ArrayList<String>();\n    ¦}\n}\n"
RUST = "\n\nfn f() -> usize {¦\n    HashMap::<u8, u8>::new().len()\n¦}\n"
CPP = "\n\nint f() {¦\n  std::vector<int> v;\n  return v.size();\n¦}\n"
C = "\n\nint f(char *s) {¦\n  return strlen(s);\n¦}\n"

# language, rule, what stands above, the function, what stands above afterwards
PLACES = [
    ("go", "below the package line", "package a", GO, 'package a\n\nimport "strings"'),
    ("go", "into a group, in order", 'package a\n\nimport (\n\t"fmt"\n\t"unicode"\n)', GO,
     'package a\n\nimport (\n\t"fmt"\n\t"strings"\n\t"unicode"\n)'),
    ("go", "above the first of a group", 'package a\n\nimport (\n\t"time"\n)', GO,
     'package a\n\nimport (\n\t"strings"\n\t"time"\n)'),
    ("go", "into the block of standard packages", 'package a\n\nimport (\n\t"os"\n\n\t"github.com/a/b"\n)', GO,
     'package a\n\nimport (\n\t"os"\n\t"strings"\n\n\t"github.com/a/b"\n)'),
    ("go", "in a block of its own", 'package a\n\nimport (\n\t"github.com/a/b"\n)', GO,
     'package a\n\nimport (\n\t"strings"\n\n\t"github.com/a/b"\n)'),
    ("go", "comments stay with their import", 'package a\n\nimport (\n\t"os" // for f\n\t// See b.\n\t"time"\n)', GO,
     'package a\n\nimport (\n\t"os" // for f\n\t"strings"\n\t// See b.\n\t"time"\n)'),
    ("go", "beside a single one", 'package a\n\nimport "fmt"', GO, 'package a\n\nimport "fmt"\nimport "strings"'),
    ("go", 'below import "C"', 'package a\n\n// #include <stdio.h>\nimport "C"', GO,
     'package a\n\n// #include <stdio.h>\nimport "C"\n\nimport "strings"'),
    ("java", "below the package line", "package a.b;", JAVA, "package a.b;\n\nimport java.util.ArrayList;"),
    ("java", "below the licence", "/*\n * Copyright 2020 The Authors.\n */", JAVA,
     "/*\n * Copyright 2020 The Authors.\n */\n\nimport java.util.ArrayList;"),
    ("java", "among its neighbours", "package a;\n\nimport java.io.File;\nimport java.util.List;\nimport org.junit.Test;", JAVA,
     "package a;\n\nimport java.io.File;\nimport java.util.ArrayList;\nimport java.util.List;\nimport org.junit.Test;"),
    ("java", "below imports of other kinds", "package a;\n\nimport static a.B.c;", JAVA,
     "package a;\n\nimport static a.B.c;\n\nimport java.util.ArrayList;"),
    ("rust", "below inner attributes", "//! About it.\n\n#![allow(dead_code)]", RUST,
     "//! About it.\n\n#![allow(dead_code)]\n\nuse std::collections::HashMap;"),
    ("rust", "into a tree", "use std::collections::{BTreeMap, HashSet};", RUST,
     "use std::collections::{BTreeMap, HashMap, HashSet};"),
    ("rust", "into a nested tree", "use std::{\n    collections::{\n        BTreeMap,\n    },\n    io,\n};", RUST,
     "use std::{\n    collections::{\n        BTreeMap,\n        HashMap,\n    },\n    io,\n};"),
    ("rust", "into a tree further up", "use std::{fmt, io};", RUST, "use std::{collections::HashMap, fmt, io};"),
    ("rust", "as a line among its neighbours", "use std::cell::Cell;\nuse std::io;", RUST,
     "use std::cell::Cell;\nuse std::collections::HashMap;\nuse std::io;"),
    ("rust", "not into what is passed on", "pub use std::collections::{BTreeMap};", RUST,
     "pub use std::collections::{BTreeMap};\nuse std::collections::HashMap;"),
    ("rust", "not under a condition", '#[cfg(feature = "a")]\nuse std::collections::{BTreeMap};\n\nuse std::io;', RUST,
     '#[cfg(feature = "a")]\nuse std::collections::{BTreeMap};\n\nuse std::collections::HashMap;\nuse std::io;'),
    ("cpp", "inside the guard", "#ifndef A_H\n#define A_H", CPP + "\n#endif\n",
     "#ifndef A_H\n#define A_H\n\n#include <vector>"),
    ("cpp", "in order", "#ifndef A_H\n#define A_H\n\n#include <string>", CPP + "\n#endif\n",
     "#ifndef A_H\n#define A_H\n\n#include <string>\n#include <vector>"),
    ("cpp", "below #pragma once", "// Copyright 2020.\n#pragma once", CPP,
     "// Copyright 2020.\n#pragma once\n\n#include <vector>"),
    ("cpp", "not under a condition", "#include <map>\n#ifdef A\n#include <string>\n#endif", CPP,
     "#include <map>\n#include <vector>\n#ifdef A\n#include <string>\n#endif"),
    ("c", "below the licence", "/* Copyright 2020. */", C, "/* Copyright 2020. */\n\n#include <string.h>"),
    ("c", "below definitions that headers look at", "#define _GNU_SOURCE", C, "#define _GNU_SOURCE\n\n#include <string.h>"),
    ("c", "in order", "#include <stdio.h>\n#include <unistd.h>", "\n\nint f(int *s) {¦\n  return abs(*s);\n¦}\n",
     "#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "rule", "above", "function", "wanted"), PLACES, ids=[f"{row[0]}: {row[1]}" for row in PLACES]
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_import_goes(language: str, rule: str, above: str, function: str, wanted: str, line_end: str) -> None:
    marked = (above + function).replace("\n", line_end)
    assert with_imports(language, marked) == (wanted + function.replace("¦", "")).replace("\n", line_end)


# language, rule, file, offered, the lines that come
ADDED = [
    ("go", "package by its members", "package a\n\nfunc f() int {¦\n\treturn rand.Intn(3)\n¦}\n", (), ['import "math/rand"']),
    ("go", "members of two packages", "package a\n\nfunc f(b []byte) {¦\n\trand.Read(b)\n¦}\n", (), []),
    ("go", "no such member", "package a\n\nfunc f(s string) {¦\n\tstrings.Frobnicate(s)\n¦}\n", (), []),
    ("go", "parameter", "package a\n\nfunc f(sort Sorter) {¦\n\tsort.Ints(nil)\n¦}\n", (), []),
    ("go", "alias", 'package a\n\nimport strings "a/b"\n\nfunc f(s string) {¦\n\tstrings.ToUpper(s)\n¦}\n', (), []),
    ("go", "variable of another file", "package a\n\nfunc g() { log.Print() }\n\nfunc f() {¦\n\tlog.Printf(\"\")\n¦}\n", (), []),
    ("go", "blank import binds nothing", 'package a\n\nimport _ "embed"\n\nfunc f() {¦\n\tvar a embed.FS\n¦}\n', (),
     ['import "embed"']),
    ("go", "offered and used", "package a\n\nfunc f() {¦\n\tyaml.Marshal(1)\n¦}\n", ('import (\n\t"gopkg.in/yaml.v3"\n\t"os"\n)',),
     ['import "gopkg.in/yaml.v3"']),
    ("go", "offered with an alias", "package a\n\nfunc f() {¦\n\tpb.Get()\n¦}\n", ('import pb "a.b/c/proto"',),
     ['import pb "a.b/c/proto"']),
    ("java", "wildcard of the library", "import java.util.*;" + JAVA, (), []),
    ("java", "wildcard of a package that is not known", "import a.b.*;" + JAVA, (), []),
    ("java", "same package", "package java.util;" + JAVA, (), []),
    ("java", "java.lang", "class A {\n    void f() {¦\n        Integer.parseInt(\"\");\n    ¦}\n}\n", (), []),
    ("java", "class of the file", "class A {\n    void f() {¦\n        new Scanner();\n    ¦}\n    class Scanner {}\n}\n", (), []),
    ("java", "type parameter", "class A<Stream> {\n    void f() {¦\n        Stream a;\n    ¦}\n}\n", (), []),
    ("java", "the rest of the file has it from its package",
     "class A {\n    Optional g;\n    void f() {¦\n        Optional.of(1);\n    ¦}\n}\n", (), []),
    ("java", "offered wildcard", "import java.util.List;" + JAVA, ("import java.util.*;",), ["import java.util.ArrayList;"]),
    ("java", "offered and not used", "class A {\n    void f() {¦\n        g();\n    ¦}\n}\n", ("import java.util.List;",), []),
    ("java", "static method", "class A {\n    void f() {¦\n        assertThat(1);\n    ¦}\n}\n", ("import static a.B.assertThat;",),
     ["import static a.B.assertThat;"]),
    ("java", "method of the class", "class A {\n    void assertThat(int a) {}\n    void f() {¦\n        assertThat(1);\n    ¦}\n}\n",
     ("import static a.B.assertThat;",), []),
    ("rust", "trait by its method", "fn f(s: &mut String) {¦\n    s.write_str(\"\").unwrap();\n¦}\n", ("use std::fmt::Write;",),
     ["use std::fmt::Write;"]),
    ("rust", "trait by a macro", "fn f(s: &mut String) {¦\n    write!(s, \"\").unwrap();\n¦}\n", ("use std::fmt::Write;",),
     ["use std::fmt::Write;"]),
    ("rust", "trait without use", "fn f(s: &str) -> usize {¦\n    s.len()\n¦}\n", ("use std::io::Read;",), []),
    ("rust", "unknown glob", "use a::prelude::*;\n" + RUST, (), []),
    ("rust", "glob of the library", "use std::collections::*;\n" + RUST, (), []),
    ("rust", "glob of the library without the name", "use std::fmt::*;\n" + RUST, (), ["use std::collections::HashMap;"]),
    ("rust", "prelude", "fn f() -> Vec<u8> {¦\n    Vec::new()\n¦}\n", (), []),
    ("rust", "module", "fn f(a: &mut u8) -> u8 {¦\n    mem::take(a)\n¦}\n", (), ["use std::mem;"]),
    ("rust", "enum by its variants", "fn f() -> bool {¦\n    1.cmp(&2) == Ordering::Less\n¦}\n", (), ["use std::cmp::Ordering;"]),
    ("rust", "enum by other variants", "fn f() {¦\n    A.load(Ordering::SeqCst);\n¦}\n", (), ["use std::sync::atomic::Ordering;"]),
    ("rust", "in a macro of the library", "fn f() {¦\n    println!(\"{:?}\", HashMap::<u8, u8>::new());\n¦}\n", (),
     ["use std::collections::HashMap;"]),
    ("rust", "in another macro", "fn f() {¦\n    quote! { HashMap::new() };\n¦}\n", (), []),
    ("rust", "no standard library", "#![no_std]\n" + RUST, (), []),
    ("rust", "what core has of it", "#![no_std]\n\nfn f(a: &mut u8) -> u8 {¦\n    mem::take(a)\n¦}\n", (), ["use core::mem;"]),
    ("rust", "names of a module that is not seen", "use super::*;\n" + RUST, (), []),
    ("rust", "parent's names by glob", "use std::collections::HashMap;\n\nmod tests {\n    use super::*;\n\n    fn f() {¦\n"
     "        HashMap::<u8, u8>::new();\n    ¦}\n}\n", (), []),
    ("rust", "module of its own", "use std::collections::HashMap;\n\nmod tests {\n    fn f() {¦\n"
     "        HashMap::<u8, u8>::new();\n    ¦}\n}\n", (), ["    use std::collections::HashMap;"]),
    ("typescript", "offered and used", "function f() {¦\n  return z.string();\n¦}\n", ("import { z, a } from 'zod';",),
     ['import { z } from "zod";']),
    ("typescript", "joined", "import { a } from './a'\n\nfunction f() {¦\n  return b(a)\n¦}\n", ('import { b } from "./a";',),
     ["import { a, b } from './a'"]),
    ("typescript", "joined to a default import", "import A from 'a';\n\nfunction f() {¦\n  return b(A);\n¦}\n",
     ("import { b } from 'a';",), ["import A, { b } from 'a';"]),
    ("typescript", "joined over lines", "import {\n  a,\n  c,\n} from 'a';\n\nfunction f() {¦\n  return b;\n¦}\n",
     ("import { b } from 'a';",), ["  b,"]),
    ("typescript", "quotes and ends of the file", "import a from 'a'\n\nfunction f() {¦\n  return b(a)\n¦}\n",
     ('import * as b from "b";',), ["import * as b from 'b'"]),
    ("typescript", "side effect binds nothing", "import 'a';\n\nfunction f() {¦\n  return a();\n¦}\n", ("import a from 'a';",),
     ["import a from 'a';"]),
    ("typescript", "type used as a value", "import type { A } from './a';\n\nfunction f() {¦\n  return new A();\n¦}\n", (),
     ["import { A } from './a';"]),
    ("typescript", "one of two types used as a value", "import type { A, B } from './a';\n\nfunction f() {¦\n  return new A();\n¦}\n", (),
     ["import { A, type B } from './a';"]),
    ("typescript", "inline type used as a value", "import { type A, b } from './a';\n\nfunction f() {¦\n  return new A();\n¦}\n", (),
     ["import { A, b } from './a';"]),
    ("typescript", "type used as a type", "import type { A } from './a';\n\nfunction f() {¦\n  const a: A = 1;\n  return a;\n¦}\n", (), []),
    ("typescript", "property", "function f(a) {¦\n  return a.b({ b: 1 });\n¦}\n", ("import { b } from 'b';",), []),
    ("typescript", "shorthand property", "function f(a) {¦\n  return a({ b });\n¦}\n", ("import { b } from 'b';",),
     ['import { b } from "b";']),
    ("typescript", "destructured local", "function f(a) {¦\n  const { b } = a;\n  return b;\n¦}\n", ("import { b } from 'b';",), []),
    ("typescriptreact", "element of HTML", "import fs from 'node:fs';\n\nfunction F() {¦\n  return <path d={fs.constants} />;\n¦}\n",
     ("import path from 'path';",), []),
    ("typescriptreact", "component", "function F() {¦\n  return <Button />;\n¦}\n", ("import Button from './button';",),
     ['import Button from "./button";']),
    ("javascript", "module of Node", "import os from 'node:os';\n\nfunction f() {¦\n  return fs.readFileSync(os.EOL);\n¦}\n", (),
     ["import fs from 'node:fs';"]),
    ("javascript", "no sign of Node", "function f() {¦\n  return path.join('a');\n¦}\n", (), []),
    ("javascript", "CommonJS", "'use strict';\n\nmodule.exports = f;\n\nfunction f() {¦\n  return path.join('a');\n¦}\n", (),
     ["const path = require('path');"]),
    ("javascript", "offered import becomes require", "const a = require('a');\n\nfunction f() {¦\n  return b(a);\n¦}\n",
     ("import { b } from 'b';",), ["const { b } = require('b');"]),
    ("javascript", "required already", "const { b: c } = require('b');\n\nfunction f() {¦\n  return c();\n¦}\n",
     ("import { c } from 'b';",), []),
    ("javascript", "offered require", "function f() {¦\n  return b();\n¦}\nmodule.exports = f;\n", ("const b = require('b');",),
     ['const b = require("b");']),
    ("cpp", "there already", "#include <vector>" + CPP, (), []),
    ("cpp", "brought by another header", "#include <iostream>\n\nvoid f() {¦\n  std::ostream *a;\n¦}\n", (), []),
    ("cpp", "the rest of the file has it", "std::vector<int> g;\n" + CPP, (), []),
    ("cpp", "header of the project that is not seen", '#include "a.h"' + CPP, (), []),
    ("cpp", "the same, but offered", '#include "a.h"' + CPP, ("#include <vector>",), ["#include <vector>"]),
    ("cpp", "offered and not used", "int f() {¦\n  return 1;\n¦}\n", ("#include <iostream>", "#include <vector>"), []),
    ("cpp", "function of C", "#include <map>\n\nint f(char *s) {¦\n  return strlen(s);\n¦}\n", (), ["#include <cstring>"]),
    ("cpp", "function of C in the file's way", "#include <stdio.h>\n\nint f(char *s) {¦\n  return strlen(s);\n¦}\n", (),
     ["#include <string.h>"]),
    ("cpp", "names without std::", "using namespace std;\n\nint f() {¦\n  vector<int> v;\n  return v.size();\n¦}\n", (),
     ["#include <vector>"]),
    ("cpp", "names without std:: and without a word of it", "int f() {¦\n  vector<int> v;\n  return v.size();\n¦}\n", (), []),
    ("cpp", "nested namespace", "void f() {¦\n  std::this_thread::sleep_for(std::chrono::seconds(1));\n¦}\n", (),
     ["#include <chrono>", "#include <thread>"]),
    ("c", "name of several headers", "#include <stdio.h>\n\nvoid f(void) {¦\n  size_t a = 0;\n¦}\n", (), []),
    ("c", "header that takes its names from where it is included", "int g(struct list *a);\n" + C, (), []),
    ("c", "new text takes names from there", "void f(void) {¦\n  FARPROC a = strdup(0);\n¦}\n", (), []),
    ("c", "part of another file", "#include <stdio.h>\n\nvoid g(void) { zfree(0); }\n" + C, (), []),
    ("c", "function of the file", "static int strlen(char *s);" + C, (), []),
    ("c", "parameter", "int f(int (*strlen)(char *), char *s) {¦\n  return strlen(s);\n¦}\n", (), []),
    ("c", "offered and not used", "int f(int a) {¦\n  return a;\n¦}\n", ("#include <math.h>", "#include <complex.h>"), []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "rule", "marked", "offered", "lines"), ADDED, ids=[f"{row[0]}: {row[1]}" for row in ADDED]
)
def test_import_comes_where_nothing_binds_the_name(
    language: str, rule: str, marked: str, offered: tuple[str, ...], lines: list[str]
) -> None:
    assert added_lines(language, marked, offered) == lines


def test_class_of_the_same_package_is_seen_in_the_folder(tmp_path: Path) -> None:
    """In tests, the classes of the package lie in the folder of the program."""
    program, tests = tmp_path / "src/main/java/a", tmp_path / "src/test/java/a"
    program.mkdir(parents=True)
    tests.mkdir(parents=True)
    (program / "Pattern.java").touch()
    marked = 'package a;\n\nclass B {\n    void f() {¦\n        Pattern.compile("");\n    ¦}\n}\n'
    assert added_lines("java", marked, folder=program) == added_lines("java", marked, folder=tests) == []
    assert added_lines("java", marked) == ["import java.util.regex.Pattern;"]


def test_headers_of_the_project_are_read_for_what_they_bring(tmp_path: Path) -> None:
    (tmp_path / "a.h").write_text('#include "b.h"\n')
    (tmp_path / "b.h").write_text("#include <vector>\n")
    (tmp_path / "c.h").write_text("#include <map>\n")
    assert added_lines("cpp", '#include "a.h"' + CPP, folder=tmp_path) == []
    assert added_lines("cpp", '#include "c.h"' + CPP, folder=tmp_path) == ["#include <vector>"]
