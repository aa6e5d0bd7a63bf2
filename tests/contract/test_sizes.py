"""No file over 400 lines, no function over 60: where the code that we admire ends (CONTRIBUTING.md).

Functions of Rust are held to the same limit by clippy (`too-many-lines-threshold` in clippy.toml).
"""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE_LIMIT = 400
FUNCTION_LIMIT = 60


def sources(*suffixes: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listing.stdout.split("\0") if name.endswith(suffixes)]
    return [path for path in paths if path.is_file()]


def test_no_file_is_over_400_lines():
    lengths = {
        path: len(path.read_text().splitlines()) for path in sources(".py", ".pyi", ".rs", ".c", ".js")
    }
    too_long = [
        f"{path.relative_to(ROOT)}: {length}" for path, length in lengths.items() if length > FILE_LIMIT
    ]
    assert not too_long, f"split these along a noun, none may have more than {FILE_LIMIT} lines: {too_long}"


def test_no_python_function_is_over_60_lines():
    too_long = []
    for path in sources(".py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LIMIT:
                too_long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length}")
    assert not too_long, f"no function may have more than {FUNCTION_LIMIT} lines: {too_long}"
