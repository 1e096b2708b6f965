"""Imports of Python. The text between the `¦` is new. The forms are those of real packages."""

from __future__ import annotations

import pytest
from import_case import added_lines, with_imports

from halfwatt.daemon.code import languages
from halfwatt.daemon.code.edits import Edit
from halfwatt.daemon.code.syntax import Source
from halfwatt.lsp.imports.needed import import_edits

# rule, file with the new text between marks, offered statements, the lines that come
ADDED = [
    ("module of the library", "def f(s):¦\n    return re.sub('a', 'b', s)¦\n", (), ["import re"]),
    ("module that lacks the member", "def f(s):¦\n    return queue.frobnicate(s)¦\n", (), []),
    ("submodule", "def f(s):¦\n    return urllib.parse.quote(s)¦\n", (), ["import urllib.parse"]),
    ("os.path is os", "def f(s):¦\n    return os.path.join(s)¦\n", (), ["import os"]),
    ("deep submodule", "def f(s):¦\n    return xml.etree.ElementTree.parse(s)¦\n", (), ["import xml.etree.ElementTree"]),
    ("common name", "def f(s):¦\n    return defaultdict(list)¦\n", (), ["from collections import defaultdict"]),
    ("name of no module", "def f(s):¦\n    return frobnicate(s)¦\n", (), []),
    ("builtin", "def f(s):¦\n    return sorted(s)¦\n", ("from lib import sorted_by",), []),
    ("offered and used", "def f(s):¦\n    return np.mean(s)¦\n", ("import numpy as np",), ["import numpy as np"]),
    ("offered and not used", "def f(s):¦\n    return s¦\n", ("import numpy as np", "from re import sub"), []),
    ("only the used one of several", "def f(s):¦\n    return b(s)¦\n", ("from m import a, b, c",), ["from m import b"]),
    ("__future__ is never added", "def f(s):¦\n    return annotations¦\n", ("from __future__ import annotations",), []),
    ("the name counts, not the module", "from datetime import timedelta\n\ndef f():¦\n    return datetime.now()¦\n", (),
     ["from datetime import datetime, timedelta"]),
    ("parameter", "def f(time):¦\n    return time.time()¦\n", (), []),
    ("local", "def f(s):¦\n    re = s\n    return re.sub(1)¦\n", (), []),
    ("attribute of a local name", "def f(os):¦\n    os.environ['a'] = 'b'¦\n", (), []),
    ("assignment to an item binds nothing", "def f():¦\n    os.environ['a'] = 'b'¦\n", (), ["import os"]),
    ("local of another function", "def g(re):\n    return re\n\n\ndef f(s):¦\n    return re.sub(s)¦\n", (), ["import re"]),
    ("comprehension", "def f(s):¦\n    return [re.x for re in s]¦\n", (), []),
    ("enclosing function", "def g():\n    import re\n\n    def f(s):¦\n        return re.sub(s)¦\n    return f\n", (), []),
    ("import in another function", "def g():\n    import re\n\n\ndef f(s):¦\n    return re.sub(s)¦\n", (), ["import re"]),
    ("class attribute is not in sight", "class A:\n    re = 1\n\n    def f(self):¦\n        return re.sub(1)¦\n", (), ["import re"]),
    ("class of the file", "class Path:\n    pass\n\n\ndef f():¦\n    return Path('a')¦\n", ("from pathlib import Path",), []),
    ("guarded import",
     "try:\n    import numpy as np\nexcept ImportError:\n    np = None\n\n\ndef f(s):¦\n    return np.mean(s)¦\n",
     ("import numpy as np",), []),
    ("unknown star", "from lib import *\n\n\ndef f(s):¦\n    return re.sub(s)¦\n", ("import re",), []),
    ("star of the library without the name", "from math import *\n\n\ndef f(s):¦\n    return re.sub(s)¦\n", (), ["import re"]),
    ("star of the library with the name", "from math import *\n\n\ndef f(s):¦\n    return sqrt(s)¦\n", (), []),
    ("offered star of the library", "def f(r):¦\n    return pi * r¦\n", ("from math import *",), ["from math import pi"]),
    ("offered unknown star", "def f(r):¦\n    return area(r)¦\n", ("from lib import *",), ["from lib import *"]),
    ("globals may bind it", "globals().update(a)\n\n\ndef f(s):¦\n    return re.sub(s)¦\n", (), []),
    ("keyword is no name", "def f(s):¦\n    return dict(re=s, time=s)¦\n", ("import re", "import time"), []),
    ("attribute is no name", "def f(s):¦\n    return s.re.sub()¦\n", ("import re",), []),
    ("annotation of a local", "def f(s):¦\n    a: Optional[int] = s\n    return a¦\n", (), ["from typing import Optional"]),
    ("string is no name", 'def f(s):¦\n    return "re.sub"¦\n', ("import re",), []),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "marked", "offered", "lines"), ADDED, ids=[row[0] for row in ADDED])
def test_import_comes_where_nothing_binds_the_name(
    rule: str, marked: str, offered: tuple[str, ...], lines: list[str]
) -> None:
    assert added_lines("python", marked, offered) == lines


NEW = "\n\n\ndef f(s):¦\n    return re.sub('a', 'b', s)¦\n"

# rule, what stands above the function, with the import
PLACES = [
    ("below the docstring", '"""Doc."""', '"""Doc."""\n\nimport re'),
    ("below the shebang and the encoding", "#!/usr/bin/env python\n# -*- coding: latin-1 -*-",
     "#!/usr/bin/env python\n# -*- coding: latin-1 -*-\n\nimport re"),
    ("below the licence", "# Copyright (c) 2020 The Authors.\n#\n# All rights reserved.",
     "# Copyright (c) 2020 The Authors.\n#\n# All rights reserved.\n\nimport re"),
    ("below __future__", '"""Doc."""\n\nfrom __future__ import annotations',
     '"""Doc."""\n\nfrom __future__ import annotations\n\nimport re'),
    ("in order", "import os\nimport sys\n\nimport numpy", "import os\nimport re\nimport sys\n\nimport numpy"),
    ("above the first", "import sys", "import re\nimport sys"),
    ("`import` before `from`", "import os\nfrom typing import Any", "import os\nimport re\nfrom typing import Any"),
    ("above imports of other kinds", "from . import lib", "import re\n\nfrom . import lib"),
    ("not into a guard", "try:\n    import json\nexcept ImportError:\n    json = None",
     "import re\n\ntry:\n    import json\nexcept ImportError:\n    json = None"),
    ("between guards and imports", "import os\n\nif os.name == 'nt':\n    import winreg",
     "import os\nimport re\n\nif os.name == 'nt':\n    import winreg"),
    ("below a line of two statements", "import os; import sys\nimport time", "import os; import sys\nimport re\nimport time"),
    ("comments stay with their import", "import os  # for paths\n\n# noqa: E402\nimport sys",
     "import os  # for paths\nimport re\n\n# noqa: E402\nimport sys"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "above", "wanted"), PLACES, ids=[row[0] for row in PLACES])
@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_new_statement_goes(rule: str, above: str, wanted: str, start: str, line_end: str) -> None:
    marked = (start + above + NEW).replace("\n", line_end)
    assert with_imports("python", marked) == (start + wanted + NEW.replace("¦", "")).replace("\n", line_end)


# rule, the statement, the statement with `Any` and its neighbours
JOINED = [
    ("one line", "from typing import List", "from typing import Any, List"),
    ("out of order", "from typing import Union, List", "from typing import Union, List, Any"),
    ("brackets on one line", "from typing import (List, Tuple)", "from typing import (Any, List, Tuple)"),
    ("brackets over lines", "from typing import (\n    Callable,\n    List,\n)",
     "from typing import (\n    Any,\n    Callable,\n    List,\n)"),
    ("last of brackets over lines", "from typing import (\n    AbstractSet,\n)",
     "from typing import (\n    AbstractSet,\n    Any,\n)"),
    ("no comma behind the last", "from typing import (\n    AbstractSet\n)", "from typing import (\n    AbstractSet,\n    Any\n)"),
    ("comment behind the last", "from typing import (\n    Union,\n    List,  # noqa: F401\n)",
     "from typing import (\n    Union,\n    Any,\n    List,  # noqa: F401\n)"),
    ("wrapped", "from typing import (AbstractSet, Callable,\n                    List)",
     "from typing import (AbstractSet, Any, Callable,\n                    List)"),
    ("backslash", "from typing import AbstractSet, \\\n    List", "from typing import AbstractSet, \\\n    Any, List"),
    ("alias", "from typing import List as L", "from typing import Any, List as L"),
    ("comment behind", "from typing import List  # noqa", "from typing import Any, List  # noqa"),
    ("guard is left alone", "try:\n    from typing import List\nexcept ImportError:\n    pass",
     "from typing import Any\n\ntry:\n    from typing import List\nexcept ImportError:\n    pass"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "above", "wanted"), JOINED, ids=[row[0] for row in JOINED])
def test_name_joins_the_statement_of_its_module(rule: str, above: str, wanted: str) -> None:
    new = "\n\n\ndef f(s):¦\n    a: Any = s\n    return a¦\n"
    assert with_imports("python", above + new) == wanted + new.replace("¦", "")


def test_import_at_the_bottom_of_a_script_is_no_place() -> None:
    script = (
        "def f(s):¦\n    return re.sub('a', 'b', s)¦\n\n\nif __name__ == '__main__':\n    f(1)\n\nfrom os import path\n"
    )
    assert with_imports("python", script).startswith("import re\n\ndef f")


GUARDED = "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from .models import User\n    from pathlib import Path\n\n\n"


def test_name_for_types_alone_is_imported_inside_the_function_that_uses_it() -> None:
    """Such imports stand where one on top would go in circles."""
    marked = GUARDED + "def f(u):¦\n    return isinstance(u, User)¦\n"
    assert with_imports("python", marked).endswith(
        "def f(u):\n    from .models import User\n    return isinstance(u, User)\n"
    )


def test_module_of_the_library_for_types_alone_is_imported_on_top() -> None:
    assert added_lines("python", GUARDED + "def f(u):¦\n    return Path(u)¦\n") == ["from pathlib import Path"]


def test_annotation_needs_no_import_that_is_there_for_types() -> None:
    assert added_lines("python", GUARDED + "def f(u):¦\n    v: User = u\n    return v¦\n") == []


def test_several_imports_come_in_order_and_once() -> None:
    marked = "import json\n\n\ndef f(s):¦\n    return re.sub(s), os.sep, re.M, Path(s), defaultdict(int)¦\n"
    wanted = (
        "import json\nimport os\nimport re\nfrom collections import defaultdict\nfrom pathlib import Path\n\n\ndef f"
    )
    assert with_imports("python", marked).startswith(wanted)


def test_broken_rest_of_the_file_does_not_hide_what_it_binds() -> None:
    python = languages.for_id("python")
    assert python is not None
    source = Source("import re\n\n\ndef f(s):\n    return re.sub(s)\n\n\ndef g(:\n    x = (\n", python)
    start = source.text.index("\n    return")
    edit = Edit(start, start + len("\n    return re.sub(s)"), "\n    return re.sub(s)")
    assert import_edits(source, source, (edit,)) == ()
