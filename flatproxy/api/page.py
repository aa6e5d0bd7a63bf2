"""docs/phases.md, written from the contract itself: `python -m flatproxy.api.page > docs/phases.md`.

Signatures and sentences are those of the sources, so the page cannot say anything else than the code.
"""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING

from flatproxy.api import exchange, filter, hookspecs, host, verdict  # noqa: A004 -- the module of that name
from flatproxy.api.phases import PHASES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

HEAD = """\
# The contract

What a filter may define, look at and answer. This page is written from `flatproxy/api/` (`python -m flatproxy.api.page`);
[Write a filter](write-a-filter.md) is where to begin.

## The phases

In the order in which an exchange comes through them. None always means: carry on. A phase is `def`, or `async def` when it waits for
something; a class with `blocking = True` has `def` phases that may block, on a pool of threads. A filter is only asked in the phases
that its class defines, in the order of the route's list; `on_response` and `on_response_body` in the reverse order.
"""

RULES = """\
* A phase that raises, answers with something else than is listed here, or takes longer than the route allows (`timeout`), has failed:
  the client gets 503 with the flag `FILTER`, or the exchange goes on without the filter where the operator wrote `fail: open`.
* A connection has no route before its first request: on an `http` listener `on_connect` is asked then, once per connection and route.
* A `def` phase runs on the data thread, which serves nobody else meanwhile; one that takes longer than `timeout` is interrupted at its
  next line of Python. An `async def` phase is a task on the asyncio thread: write `def` where nothing is waited for.
* Every data thread may be in the same instance at the same time. What an exchange needs belongs into `exchange.state`; what the
  instance changes needs a lock.
"""

_SECTIONS = (
    ("Verdicts", verdict, ("Respond", "Retry", "Close")),
    ("The exchange", exchange, ("Exchange", "Peer", "Request", "Attempt", "Reply", "Response", "Failure", "Headers", "Shared")),
    ("The filter and its host", filter, ("Filter", "Options")),
    ("", host, ("Host", "Log", "Metrics", "Counter", "Gauge", "Histogram", "CounterSeries", "GaugeSeries", "HistogramSeries")),
)  # fmt: skip


def page() -> str:
    """Return the whole page."""
    parts = [HEAD, _phases(), RULES]
    for title, module, names in _SECTIONS:
        parts += [f"## {title}\n"] if title else []
        classes = _classes(module)
        parts += [_class(classes[name]) for name in names]
    parts.append(_hooks())
    return "\n".join(parts)


# === phases ===


def _phases() -> str:
    methods = {
        node.name: node for node in _classes(filter)["Filter"].body if isinstance(node, ast.FunctionDef)
    }
    lines = ["| phase | when | Proxy-Wasm |", "| --- | --- | --- |"]
    for phase in PHASES.values():
        wasm = f"`{phase.wasm}`" if phase.wasm else "extension"
        lines.append(
            f"| {_code(phase.signature)} | {_cell(ast.get_docstring(methods[phase.name]))} | {wasm} |"
        )
    return "\n".join(lines) + "\n"


HOOKS = """\
## Hooks of a package

What a package may implement beside its filters, each a function marked with `@hookimpl` in the module of its entry point (group
`flatproxy`). A file that a route uses may implement `register_filters` only.

| hook | what for |
| --- | --- |
"""


def _hooks() -> str:
    tree = ast.parse(inspect.getsource(hookspecs))
    specified = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return HOOKS + "".join(
        f"| {_code(f'{node.name}({ast.unparse(node.args)}) -> {_returned(node)}')} | {_cell(ast.get_docstring(node))} |\n"
        for node in specified
    )


def _returned(node: ast.FunctionDef) -> str:
    return ast.unparse(node.returns) if node.returns else "None"


# === classes ===


def _classes(module: ModuleType) -> dict[str, ast.ClassDef]:
    tree = ast.parse(inspect.getsource(module))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _class(node: ast.ClassDef) -> str:
    lines = [f"### {node.name}", "", ast.get_docstring(node) or "", ""]
    rows = list(_members(node))
    if rows:
        lines += ["| member | meaning |", "| --- | --- |"]
        lines += [f"| {_code(member)} | {_cell(text)} |" for member, text in rows]
        lines += [""]
    return "\n".join(lines)


def _members(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Yield what is documented: attributes with a text below them, properties and methods with a docstring."""
    for item, after in zip(node.body, [*node.body[1:], None], strict=True):
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and (text := _text(after)):
            yield f"{item.target.id}: {_type(item.annotation)}", text
        if isinstance(item, ast.FunctionDef) and _is_shown(item) and (text := ast.get_docstring(item) or ""):
            yield _member(node.name, item), text


def _is_shown(item: ast.FunctionDef) -> bool:
    hidden = item.name.startswith("_") and not item.name.startswith("__")
    return (
        not hidden
        and item.name not in PHASES
        and item.name not in ("__init_subclass__", "__post_init__", "__repr__")
    )


def _member(owner: str, item: ast.FunctionDef) -> str:
    returns = _returned(item)
    if any(isinstance(mark, ast.Name) and mark.id == "property" for mark in item.decorator_list):
        return f"{item.name}: {returns}"
    item.args.args = item.args.args[1:]
    arguments = ast.unparse(item.args)
    if item.name == "__init__":
        return f"{owner}({arguments})"
    return f"{item.name}({arguments})" + (f" -> {returns}" if returns != "None" else "")


def _type(annotation: ast.expr) -> str:
    """Write a type as an author sees it: the `ClassVar` around it says nothing to a reader."""
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "ClassVar":
        annotation = annotation.slice
    return ast.unparse(annotation).replace("AnyOptions", "Options")


def _text(node: ast.stmt | None) -> str:
    if (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ):
        return inspect.cleandoc(node.value.value)
    return ""


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 -- this is its output
