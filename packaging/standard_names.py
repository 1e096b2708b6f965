"""Writes lsp/imports/standard/*.txt: which names each standard library has, read from the libraries themselves.

usage: standard_names.py LANGUAGE [SOURCE …], with the project's environment. What each language is read from:

    python  folders of packages   modules of the running interpreter; packages are counted for members that stand alone
    go      GOROOT/api            the API files of a Go release (Debian: golang-1.19-src)
    java    src.zip               public top-level classes (Debian: openjdk-17-source)
    c       (nothing)             the preprocessed headers of the compiler on PATH
    cpp     share/libc++/v1/std   the exports of libc++'s module `std`, one file per header (Debian: libc++-22-dev)
    headers include/c++/v1        which headers of C++ bring others, both in libc++ (this folder) and in g++'s library
    rust    html/std crates       the pages of `rustup component add rust-docs`; crates are counted as for Python
    node    (nothing)             the modules of `node` on PATH

A line is `module: name name …`. A star says that programs often import this name by itself, and from no other module of
the library. Rust's traits end in `!` and list their methods. Only names are kept, no text of the libraries.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
import warnings
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import tree_sitter
import tree_sitter_c
import tree_sitter_rust

TARGET = Path(__file__).parents[1] / "lsp" / "imports" / "standard"
Table = dict[str, set[str]]


def words(text: str) -> list[str]:
    """Names, from one string with spaces. Their order may count."""
    return text.split()


OWN = 5  # packages that must import a name by itself
SHARE = 0.9  # of those imports that must name one module

# Python: not for programs, not everywhere, or with effects on import.
PYTHON_LEFT_OUT = words(
    "antigravity this idlelib turtledemo test lib2to3 pydoc_data posix nt curses ossaudiodev sre_compile sre_constants "
    "sre_parse msilib msvcrt winreg winsound distutils ensurepip nturl2path opcode pyexpat builtins asynchat asyncore "
    "imp smtpd cgitb formatter"
)
PYTHON_SUBMODULES = words(
    "collections.abc concurrent.futures email.message email.mime.multipart email.mime.text email.parser email.policy "
    "email.utils html.parser http.client http.cookiejar http.cookies http.server importlib.abc importlib.machinery "
    "importlib.metadata importlib.resources importlib.util json.decoder logging.config logging.handlers "
    "multiprocessing.pool multiprocessing.shared_memory os.path unittest.mock urllib.error urllib.parse "
    "urllib.request urllib.robotparser wsgiref.simple_server xml.dom.minidom xml.etree.ElementTree xml.sax "
    "xml.sax.saxutils xmlrpc.client xmlrpc.server"
)
# Go: what came after the release that Debian has.
GO_NEWER: Table = {
    "bytes": {"Clone", "CutPrefix", "CutSuffix", "ContainsFunc", "MinRead"},
    "cmp": {"Compare", "Less", "Or", "Ordered"},
    "context": {"AfterFunc", "Cause", "WithCancelCause", "WithDeadlineCause", "WithTimeoutCause", "WithoutCancel"},
    "errors": {"ErrUnsupported", "Join"},
    "log/slog": set(
        words(
            "Any Attr Bool Debug DebugContext Default Duration Error ErrorContext Float64 Group Handler HandlerOptions "
            "Info "
            "InfoContext Int Int64 Level LevelDebug LevelError LevelInfo LevelVar LevelWarn Log Logger NewJSONHandler "
            "NewTextHandler New Record SetDefault String Time Uint64 Value Warn WarnContext With"
        )
    ),
    "iter": {"Pull", "Pull2", "Seq", "Seq2"},
    "maps": {"All", "Clone", "Collect", "Copy", "DeleteFunc", "Equal", "EqualFunc", "Insert", "Keys", "Values"},
    "slices": set(
        words(
            "All AppendSeq Backward BinarySearch BinarySearchFunc Chunk Clip Clone Collect Compact CompactFunc Compare "
            "CompareFunc Concat Contains ContainsFunc Delete DeleteFunc Equal EqualFunc Grow Index IndexFunc Insert "
            "IsSorted IsSortedFunc Max MaxFunc Min MinFunc Repeat Replace Reverse Sort SortFunc SortStableFunc Sorted "
            "SortedFunc SortedStableFunc Values"
        )
    ),
    "strings": {"ContainsFunc", "CutPrefix", "CutSuffix", "FieldsSeq", "Lines", "SplitSeq"},
    "sync": {"OnceFunc", "OnceValue", "OnceValues"},
    "time": {"DateOnly", "DateTime", "TimeOnly"},
}
GO_LEFT_OUT = re.compile(r"syscall|debug/|plugin|runtime/(cgo|msan|race)|go/internal|cmd/|testing/internal")
JAVA_MODULES = ("java.base", "java.logging", "java.net.http", "java.sql")
# C: ISO headers first; of several headers with one name, the first is the one to include.
C_HEADERS = words(
    "stddef.h stdint.h stdbool.h string.h stdlib.h stdio.h ctype.h math.h limits.h errno.h assert.h stdarg.h float.h "
    "inttypes.h time.h signal.h setjmp.h locale.h wchar.h wctype.h complex.h fenv.h iso646.h stdalign.h stdatomic.h "
    "threads.h uchar.h strings.h unistd.h fcntl.h dirent.h dlfcn.h getopt.h glob.h fnmatch.h grp.h poll.h pthread.h "
    "pwd.h regex.h sched.h semaphore.h syslog.h termios.h utime.h netdb.h sys/types.h sys/stat.h sys/time.h sys/wait.h "
    "sys/mman.h sys/socket.h sys/select.h sys/resource.h sys/uio.h sys/un.h sys/utsname.h sys/ioctl.h netinet/in.h "
    "netinet/tcp.h arpa/inet.h"
)
# C++: of several headers with one name, the first is the one to include.
CPP_FIRST = words("utility string memory functional iterator algorithm tuple")


def python(folders: list[str]) -> Table:
    table: Table = {}
    warnings.simplefilter("ignore")
    for name in [*sorted(sys.stdlib_module_names), *PYTHON_SUBMODULES]:
        if name.startswith("_") or name.partition(".")[0] in PYTHON_LEFT_OUT:
            continue
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        names = {it for it in dir(module) if not it.startswith("_")} | set(getattr(module, "__all__", ()))
        table[name] = {it for it in names if name == "os" or f"{name}.{it}" not in sys.modules}
    return _with_stars(table, _python_imports(folders), "")


def _python_imports(folders: list[str]) -> Iterator[tuple[str, str, str]]:
    for folder in map(Path, folders):
        for path in folder.rglob("*.py"):
            try:
                tree = ast.parse(path.read_bytes())
            except (SyntaxError, ValueError):
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    yield from ((path.relative_to(folder).parts[0], node.module, it.name) for it in node.names)


def _with_stars(table: Table, found: Iterable[tuple[str, str, str]], joint: str) -> Table:
    """Marks members by who imports them: (package, module, name)."""
    users: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for package, module, name in found:
        if name in table.get(module, ()):
            users[name][module].add(package)
    for name, modules in users.items():
        best = max(modules, key=lambda it: (len(modules[it]), it))
        total = sum(len(packages) for packages in modules.values())
        if len(modules[best]) >= OWN and len(modules[best]) >= SHARE * total:
            table[best] = table[best] - {name} | {name + "*"}
    return table


def go(folders: list[str]) -> Table:
    table: Table = defaultdict(set)
    for path in Path(folders[0]).glob("go1*.txt"):
        for line in path.read_text(encoding="utf-8").splitlines():
            match = re.match(r"pkg ([\w/]+)(?: \([^)]*\))?, (?:const|var|func|type) ([A-Z]\w*)", line)
            if match is not None and not GO_LEFT_OUT.match(match[1]):
                table[match[1]].add(match[2])
    for package, names in GO_NEWER.items():
        table[package] |= names
    table["embed"] |= {"FS"}
    return table


def java(files: list[str]) -> Table:
    table: Table = defaultdict(set)
    with zipfile.ZipFile(files[0]) as archive:
        for name in archive.namelist():
            match = re.fullmatch(r"([\w.]+)/(java/[\w/]+)/([A-Z]\w*)\.java", name)
            if match is None or match[1] not in JAVA_MODULES:
                continue
            kind = rf"public\s+(?:\w+\s+|non-sealed\s+)*(?:class|interface|enum|record|@interface)\s+{match[3]}\b"
            if re.search(kind, archive.read(name).decode("utf-8")):
                table[match[2].replace("/", ".")].add(match[3])
    return table


def c(_: list[str]) -> Table:
    return {header: _c_names(header) for header in C_HEADERS}


def _c_names(header: str) -> set[str]:
    command = ["gcc", "-E", "-P", "-dD", "-x", "c", "-"]
    done = subprocess.run(command, input=f"#include <{header}>\n", capture_output=True, text=True, check=True)
    builtin = subprocess.run([*command], input="", capture_output=True, text=True, check=True).stdout
    names = set(re.findall(r"^#define (\w+)", done.stdout, re.MULTILINE))
    names -= set(re.findall(r"^#define (\w+)", builtin, re.MULTILINE))
    code = re.sub(r"^#.*$", "", done.stdout, flags=re.MULTILINE)
    tree = tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language())).parse(code.encode())
    todo = list(tree.root_node.children)
    while todo:
        node = todo.pop()
        if node.type in ("compound_statement", "parameter_list", "field_declaration_list"):
            continue
        for field in ("declarator", "name"):
            for named in node.children_by_field_name(field):
                if named.type in ("identifier", "type_identifier") and named.text is not None:
                    names.add(named.text.decode())
        todo.extend(node.children)
    return {it for it in names if not it.startswith("_")}


def cpp(folders: list[str]) -> Table:
    table: Table = {}
    paths = {path.stem: path for path in Path(folders[0]).glob("*.inc")}
    for header in [*CPP_FIRST, *sorted(set(paths) - set(CPP_FIRST))]:
        text = paths[header].read_text(encoding="utf-8")
        found = re.findall(r"using (?:std::)?((?:\w+::)*\w+)\s*(?:_LIBCPP\w+\s*)?;", text)
        names = {it.removeprefix("std::") for it in found if not it.rpartition("::")[2].startswith(("operator", "_"))}
        names |= set(re.findall(r"namespace (\w+)", text)) - {"std", "ranges", "pmr", "literals"}
        table[header] = names
    return table


def headers(folders: list[str]) -> Table:
    names = {line.partition(":")[0] for line in (TARGET / "cpp.txt").read_text(encoding="utf-8").splitlines()}
    other = ["-nostdinc++", "-isystem", folders[0]]
    return {it: (_brought(it, []) & _brought(it, other) & names) - {it} for it in names}


def _brought(header: str, flags: list[str]) -> set[str]:
    command = ["g++", "-std=c++20", "-M", "-x", "c++", "-", *flags]
    done = subprocess.run(command, input=f"#include <{header}>\n", capture_output=True, text=True, check=False)
    return {Path(it).name for it in done.stdout.replace("\\\n", " ").split() if "/c++/" in it}


def rust(folders: list[str]) -> Table:
    pages, crates = Path(folders[0]), Path(folders[1])
    table: Table = defaultdict(set)
    for page in pages.rglob("*.html"):
        kind, _, name = page.stem.partition(".")
        inside = page.relative_to(pages).parent.parts
        module = "::".join(["std", *inside])
        if kind not in ("struct", "enum", "trait", "fn", "constant", "union", "type") or "arch" in inside:
            continue
        table[module].add(name)
        if kind in ("trait", "enum"):
            text = page.read_text(encoding="utf-8")
            wanted = r'id="(?:ty)?method\.(\w+)"' if kind == "trait" else r'id="variant\.(\w+)"'
            table[f"{module}::{name}" + "!" * (kind == "trait")] |= set(re.findall(wanted, text))
    return _with_stars(table, _rust_imports(crates), "::")


def _rust_imports(folder: Path) -> Iterator[tuple[str, str, str]]:
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_rust.language()))
    for path in folder.rglob("*.rs"):
        for use in re.findall(rb"^\s*use [^;]+;", path.read_bytes(), re.MULTILINE):
            for full in _leaves(parser.parse(use).root_node.children[0].child_by_field_name("argument"), ""):
                module, _, name = re.sub(r"^(core|alloc)\b", "std", full).rpartition("::")
                yield path.relative_to(folder).parts[0], module, name


def _leaves(node: tree_sitter.Node | None, prefix: str) -> Iterator[str]:
    if node is None or node.text is None:
        return
    if node.type == "scoped_use_list":
        path = node.child_by_field_name("path")
        inner = f"{prefix}{path.text.decode()}::" if path is not None and path.text is not None else prefix
        yield from _leaves(node.child_by_field_name("list"), inner)
    elif node.type == "use_list":
        for child in node.named_children:
            yield from _leaves(child, prefix)
    elif node.type in ("identifier", "scoped_identifier"):
        yield prefix + node.text.decode()


def node(_: list[str]) -> Table:
    code = """const left = new Set(["constants", "sys", "punycode", "module", "wasi", "trace_events", "test"]);
const table = {};
for (const name of require("module").builtinModules)
  if (!name.startsWith("_") && !left.has(name)) table[name] = Object.keys(require(name));
console.log(JSON.stringify(table));"""
    done = subprocess.run(["node", "--no-warnings", "-e", code], capture_output=True, text=True, check=True)
    return {name: set(names) for name, names in json.loads(done.stdout).items()}


READERS: dict[str, Callable[[list[str]], Table]] = {
    "python": python, "go": go, "java": java, "c": c, "cpp": cpp, "headers": headers, "rust": rust, "node": node,
}  # fmt: skip


def main() -> None:
    language, *sources = sys.argv[1:]
    table = READERS[language](sources)
    keep = language in ("c", "cpp")  # whose order says which header is the one to include
    modules = [it for it in (table if keep else sorted(table)) if table[it]]
    lines = [f"{module}: {' '.join(sorted(table[module]))}" for module in modules]
    (TARGET / f"{language}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
