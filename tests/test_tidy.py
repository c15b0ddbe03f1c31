"""The house's style, as tests about the source itself.

What ruff, mypy and import-linter cannot say: sizes that fit a mind, modules that tell their place
in the story, words that say what they mean. A rule that a file must break stands in a table below
with its reason; a reason that no longer applies fails too, so the tables cannot rot.
"""

from __future__ import annotations

import ast
import functools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("core", "node", "operator")
SOURCES = (*PRODUCT, "tests", "benchmarks")
GENERATED = "node/stator_node/gateway/generated/"

LINE_COLUMNS_MAX = 100
FUNCTION_LINES_MAX = 70  # docstring not counted; 50 is the aim
FILE_LINES_MAX = 600  # 400 is the aim

# path -> why it may be longer than FILE_LINES_MAX.
LONG_FILES: dict[str, str] = {
    "tests/guides/commands.py": "a table of commands, to the letter, as guides print them",
}
# path -> why its lines may be wider than LINE_COLUMNS_MAX.
WIDE_FILES: dict[str, str] = {
    "tests/guides/commands.py": "commands to the letter, as guides print them",
    "pyproject.toml": "one module list that TOML cannot break in a readable way",
}
# "path:function" -> why it may be longer than FUNCTION_LINES_MAX.
LONG_FUNCTIONS: dict[str, str] = {}
# Modules that nothing in the product imports, and who does.
ENTRANCES: dict[str, str] = {
    "stator_node.__main__": "the `stator` command",
    "stator_node.plugin.__main__": "the `kubectl-stator` command",
    "stator_node.client": "imported by users: the asynchronous Python client",
    "stator_core.raft.memory_storage": "the log's in-memory twin, likewise",
    "stator_node.memory": "the doors' twins in memory: tests, and whoever needs no disk",
    "stator_operator.write_crds": "`make crds`",
    "stator_operator.apply_crds": "the chart's Job, before an install or an upgrade",
    "stator_operator.__main__": "the `stator-operator` command",
    "stator_operator.access_rules": "the chart's roles are held against it",
}

# Modules that need no test file of their own name, and why; a folder stands for all in it.
TESTED_ELSEWHERE: dict[str, str] = {
    "core/stator_core/raft/": "one machine: transcripts and a seeded world in tests/core/raft",
    "node/stator_node/local.py": "wiring; every black-box test starts it",
    "node/stator_node/doors.py": "Protocols alone; each implementation has its tests",
    "node/stator_node/surroundings.py": "a Protocol alone; partition_host has its tests",
    "node/stator_node/local_zones.py": "wiring; every test in tests/cluster starts it",
    "node/stator_node/gateway_process.py": "wiring; tests/cluster/test_separate_processes.py",
    "node/stator_node/supervisor_process.py": "wiring; tests/cluster/test_separate_processes.py",
    "node/stator_node/local_table_work.py": "the work of test_table_life, which runs on it",
    "node/stator_node/supervisor_requests.py": "asked by the command, as people ask: "
    "tests/cluster/test_cluster_command.py",
    "core/stator_core/expressions/reserved_words.py": "data; test_substitutions and test_parser",
}

BANNED_FILE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base"}
# A word that says little -> what to say instead.
BANNED_WORDS = {
    r"\bmock\b": "a real fake with a name of its own",
    r"\bwhitelist\b": "the list of what is allowed",
    r"\bblacklist\b": "the list of what is refused",
    r"\bmaster\b": "leader",
    r"\bslave\b": "follower or replica",
    r"\bdynamo db\b": "DynamoDB",
    r"\bobviously\b": "the reason, or nothing",
    r"\butili[sz]e": "use",
    r"\bTODO\b|\bFIXME\b|\bXXX\b|\bHACK\b": "do it, or say it in an issue",
    r"\bbreakpoint\(\)": "nothing: a leftover of debugging",
    r"\bpdb\b": "nothing: a leftover of debugging",
}
# What only one machine has: a reader elsewhere cannot follow it.
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:root|work|home)/\w|\.\./shared\b|\bshared/")
CITED_FILE = re.compile(r"(?<![\w/.{*<-])((?:[\w.-]+/)*[A-Za-z_][\w-]*\.(?:md|toml|proto))\b")
# Files that are cited though they are made by a run, or belong to somebody else's project.
CITED_ELSEWHERE = {
    "results.md",
    "benchmarks/results.md",
    "results-cluster.md",
    "benchmarks/results-cluster.md",
    "SKILL.md",
}
CLOCK_CALLS = re.compile(r"\bdatetime\.(?:now|utcnow|today)\(|\bdate\.today\(")


@functools.cache
def tracked() -> tuple[str, ...]:
    """Every file of the tree that git knows or would add, with forward slashes."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(sorted(path for path in listing.splitlines() if (ROOT / path).is_file()))


@functools.cache
def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@functools.cache
def tree_of(path: str) -> ast.Module:
    return ast.parse(text_of(path), filename=path)


def python_files(*folders: str) -> list[str]:
    return [
        path
        for path in tracked()
        if path.endswith(".py") and path.split("/")[0] in folders and not path.startswith(GENERATED)
    ]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, the docstring left out."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        if isinstance(first.value.value, str):
            lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def module_name(path: str) -> str:
    """`core/stator_core/requests/page.py` -> `stator_core.requests.page`."""
    parts = path.removesuffix(".py").split("/")[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: str) -> set[str]:
    """Every module that the file may mean by its imports, in full."""
    package = module_name(path).split(".")
    if not path.endswith("__init__.py"):
        package = package[:-1]
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*origin, *([node.module] if node.module else [])])
            found.add(module)
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return found


def test_no_file_holds_both_sides_of_a_merge() -> None:
    mark = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)
    texts = [path for path in tracked() if path.endswith((".py", ".md", ".toml", ".yaml", ".json"))]

    assert [path for path in texts if mark.search(text_of(path))] == []


def test_no_line_is_wider_than_a_hundred_columns() -> None:
    wide = [
        f"{path}:{number}"
        for path in tracked()
        if path.endswith((".py", ".toml", ".proto")) and not path.startswith(GENERATED)
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if len(line) > LINE_COLUMNS_MAX and path not in WIDE_FILES
    ]

    assert wide == []


def test_every_function_fits_a_screen() -> None:
    long = {
        f"{path}:{function.name}": body_lines(function)
        for path in python_files(*SOURCES)
        for function in functions(tree_of(path))
        if body_lines(function) > FUNCTION_LINES_MAX
    }

    assert {name: lines for name, lines in long.items() if name not in LONG_FUNCTIONS} == {}
    assert set(LONG_FUNCTIONS) <= set(long), "an excuse that is no longer needed"


def test_every_file_fits_a_mind() -> None:
    long = {
        path: len(text_of(path).splitlines())
        for path in python_files(*SOURCES)
        if len(text_of(path).splitlines()) > FILE_LINES_MAX
    }

    assert {path: lines for path, lines in long.items() if path not in LONG_FILES} == {}
    known = {path for path in LONG_FILES if path in tracked()}
    assert known <= set(long), "an excuse that is no longer needed"


def test_every_module_opens_by_telling_its_place_in_the_story() -> None:
    silent = [path for path in python_files(*SOURCES) if not ast.get_docstring(tree_of(path))]

    assert silent == []


def test_a_file_is_named_for_what_it_holds() -> None:
    vague = [path for path in python_files(*SOURCES) if Path(path).stem in BANNED_FILE_NAMES]

    assert vague == []


@pytest.mark.parametrize("word", BANNED_WORDS)
def test_words_say_what_they_mean(word: str) -> None:
    pattern = re.compile(word)
    own_path = Path(__file__).relative_to(ROOT).as_posix()
    found = [
        f"{path}:{number}: say {BANNED_WORDS[word]}"
        for path in tracked()
        if path.endswith((".py", ".md", ".proto", ".toml", "Makefile"))
        and path != own_path
        and not path.startswith(GENERATED)
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if pattern.search(line)
    ]

    assert found == []


def test_nothing_names_a_path_of_one_machine() -> None:
    own_path = Path(__file__).relative_to(ROOT).as_posix()
    found = [
        f"{path}:{number}"
        for path in tracked()
        if path != own_path and not path.startswith(GENERATED)
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if MACHINE_PATHS.search(line)
    ]

    assert found == []


def test_every_page_that_a_source_cites_is_in_the_tree() -> None:
    """A rule's source must be open to the reader: a page of this tree, or AWS's by its title."""
    names = {path.split("/")[-1] for path in tracked()} | set(tracked()) | CITED_ELSEWHERE
    broken = [
        f"{path}:{number}: {cited}"
        for path in python_files(*SOURCES)
        for number, line in enumerate(text_of(path).splitlines(), 1)
        for cited in CITED_FILE.findall(line)
        if cited not in names and not any(known.endswith("/" + cited) for known in tracked())
    ]

    assert broken == []


def test_the_operator_folder_shadows_nothing() -> None:
    """`operator/__init__.py` would hide the standard library's `operator` from everybody."""
    assert "operator/__init__.py" not in tracked()


def test_test_folders_are_not_packages() -> None:
    assert [p for p in tracked() if p.startswith("tests/") and p.endswith("__init__.py")] == []


def test_no_test_patches_a_module_from_outside() -> None:
    """A fake is handed in at a door; a patch tests the patch."""
    patching = [
        path
        for path in python_files("tests")
        if any(name.split(".")[:2] == ["unittest", "mock"] for name in imports_of(path))
    ]

    assert patching == []


def test_no_module_is_dead() -> None:
    product = python_files(*PRODUCT)
    imported = set().union(*(imports_of(path) for path in product), set())
    dead = {
        module_name(path)
        for path in product
        if not path.endswith("__init__.py") and module_name(path) not in imported
    }

    assert dead - set(ENTRANCES) == set()


def test_the_core_reads_no_clock_and_has_no_coroutine() -> None:
    """import-linter watches the imports; these two need none."""
    core = python_files("core")
    clocks = [path for path in core if CLOCK_CALLS.search(text_of(path))]
    coroutines = [
        path
        for path in core
        if any(isinstance(node, ast.AsyncFunctionDef) for node in ast.walk(tree_of(path)))
    ]

    assert clocks == []
    assert coroutines == []


def test_every_core_and_node_module_has_a_test_file_of_its_name() -> None:
    """`core/stator_core/item.py` has `tests/core/test_item.py`, so both are easy to find."""
    tests = {Path(path).stem for path in python_files("tests")}
    untested = [
        path
        for path in python_files("core", "node")
        if not path.endswith(("__init__.py", "__main__.py"))
        and not path.startswith(tuple(TESTED_ELSEWHERE))
        and f"test_{Path(path).stem}" not in tests
    ]

    assert untested == []
