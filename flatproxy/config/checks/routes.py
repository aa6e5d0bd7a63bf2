"""Does a route say exactly one thing to do, and can its match ever hold?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from flatproxy.config.checks.findings import Findings
    from flatproxy.config.listeners import Paths
    from flatproxy.config.models import Config
    from flatproxy.config.routes import HeaderEdits, PathMatch, Route, RouteMatch, ValueMatch
    from flatproxy.config.source import Steps

_ACTIONS = ("upstream", "redirect", "respond")
# These say where a message ends or which connection it is on: the proxy writes them.
_FRAMING = frozenset({
    "connection", "content-length", "host", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
_VISIBLE = "".join(chr(code) for code in range(0x21, 0x7F))
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")
_BODILESS = (204, 304)
_LOOK_AROUND = re.compile(r"(?<!\\)\(\?(=|!|<=|<!)")
_BACK_REFERENCE = re.compile(r"(?<!\\)(\\\\)*\\[1-9]|\(\?P=")
# What `re` and the core's engine judge alike; the rest is left to the core, which compiles the plan.
_CERTAIN = (
    "unterminated character set",
    "missing ), unterminated",
    "unbalanced parenthesis",
    "nothing to repeat",
)


def check(config: Config, findings: Findings) -> None:
    """Find routes that say too little, too much, or what can never be."""
    for number, listener in enumerate(config.listeners):
        for index, route in enumerate(listener.routes):
            path: Steps = ("listeners", number, "routes", index)
            _action(route, path, findings)
            _match(route.match, listener.paths, (*path, "match"), findings)
            _edits(route.request_headers, (*path, "request_headers"), findings)
            _edits(route.response_headers, (*path, "response_headers"), findings)


# === action ===


def _action(route: Route, path: Steps, findings: Findings) -> None:
    given = [action for action in _ACTIONS if getattr(route, action) is not None]
    if not given:
        findings.error(path, f"route '{route.name}' says nothing to do: add upstream, redirect or respond")
    if len(given) > 1:
        findings.error_at_key(
            (*path, given[1]), f"a route has one of {' and '.join(given)}, not {len(given)}"
        )
    if route.upstream and not any(target.weight for target in route.upstream):
        findings.error((*path, "upstream"), "every weight is 0: no request could go anywhere")
    _rewrite(route, path, findings)
    _redirect(route, (*path, "redirect"), findings)
    _respond(route, (*path, "respond"), findings)


def _rewrite(route: Route, path: Steps, findings: Findings) -> None:
    if route.rewrite is None:
        return
    if route.upstream is None:
        findings.error_at_key((*path, "rewrite"), "`rewrite` is for routes with an `upstream`")
    _new_prefix(route.rewrite.prefix, route.match.path, (*path, "rewrite", "prefix"), findings)


def _redirect(route: Route, path: Steps, findings: Findings) -> None:
    redirect = route.redirect
    if redirect is None:
        return
    if redirect.path is not None and redirect.prefix is not None:
        findings.error_at_key((*path, "prefix"), "a redirect has `path` or `prefix`, not both")
    if redirect.path is not None and not redirect.path.startswith("/"):
        findings.error((*path, "path"), f"`path` must start with '/'; did you mean '/{redirect.path}'?")
    if all(part is None for part in (redirect.scheme, redirect.host, redirect.path, redirect.prefix)):
        findings.error(
            path, "a redirect to where the request went is a loop: add scheme, host, path or prefix"
        )
    _new_prefix(redirect.prefix, route.match.path, (*path, "prefix"), findings)


def _new_prefix(prefix: str | None, match: PathMatch | None, path: Steps, findings: Findings) -> None:
    if prefix is None:
        return
    if not prefix.startswith("/"):
        findings.error(path, f"`prefix` must start with '/'; did you mean '/{prefix}'?")
    if match is not None and match.regex is not None:
        findings.error(
            path,
            "`prefix` replaces what the route matched: match.path must be `prefix` or `exact`, not a regex",
        )


def _respond(route: Route, path: Steps, findings: Findings) -> None:
    respond = route.respond
    if respond is None:
        return
    if respond.body and respond.status in _BODILESS:
        findings.error((*path, "body"), f"a response with status {respond.status} has no body")
    for name in sorted(_FRAMING & respond.headers.keys()):
        findings.error_at_key((*path, "headers", name), f"'{name}' is written by the proxy itself")


def _edits(edits: HeaderEdits, path: Steps, findings: Findings) -> None:
    for part, names in (("remove", edits.remove), ("set", edits.set), ("add", edits.add)):
        for index, name in enumerate(names):
            if name not in _FRAMING:
                continue
            hint = "; did you mean `rewrite: {host: ...}`?" if name == "host" else ""
            step = index if part == "remove" else name
            findings.error_at_key((*path, part, step), f"'{name}' is written by the proxy itself{hint}")


# === match ===


def _match(match: RouteMatch, paths: Paths, path: Steps, findings: Findings) -> None:
    if match.path is not None:
        _path_match(match.path, paths, (*path, "path"), findings)
    for part, fields in (("headers", match.headers), ("query", match.query)):
        for name, value in fields.items():
            _value_match(value, (*path, part, name), findings)


def _path_match(match: PathMatch, paths: Paths, path: Steps, findings: Findings) -> None:
    given = {
        kind: text for kind in ("exact", "prefix", "regex") if (text := getattr(match, kind)) is not None
    }
    if len(given) != 1:
        findings.error(path, f"`path` needs exactly one of exact, prefix, regex; it has {_listed(given)}")
        return
    kind, text = given.popitem()
    if kind == "regex":
        _regex(text, (*path, kind), findings)
    elif kind != "exact" or text != "*":
        _literal(kind, text, paths, (*path, kind), findings)


def _literal(kind: str, text: str, paths: Paths, path: Steps, findings: Findings) -> None:
    if not text.startswith("/"):
        findings.error(path, f"`{kind}` must start with '/'; did you mean '/{text}'?")
    elif "?" in text or "#" in text:
        findings.error(path, f"`{kind}` is a path only; what follows '?' is matched by `query`")
    elif not text.isascii() or " " in text:
        findings.error(path, f"paths arrive percent-encoded; did you mean '{quote(text, safe=_VISIBLE)}'?")
    elif "\\" in text:
        findings.error(path, "a path with a backslash is refused before routes are tried")
    elif re.search(r"%(?![0-9a-fA-F]{2})", text):
        findings.error(path, "'%' must be followed by two hexadecimal digits; '%' itself is %25")
    elif (normal := _ESCAPE.sub(_normal_escape, text)) != text:
        findings.error(path, f"paths are normalised before routes are tried; did you mean '{normal}'?")
    elif reason := _never(text, paths):
        findings.error(path, f"this can never match: {reason}")


def _never(text: str, paths: Paths) -> str | None:
    """Say why no normalised path looks like this, if none does."""
    segments = {segment.lower().replace("%2e", ".") for segment in text.split("/")}
    if segments & {".", ".."}:
        return "'.' and '..' segments are resolved or refused before routes are tried"
    if "//" in text and paths.merge_slashes:
        return "'//' becomes '/' before routes are tried (paths.merge_slashes)"
    if re.search("%2f|%5c", text, re.IGNORECASE) and paths.encoded_slash != "keep":
        done = "refused" if paths.encoded_slash == "reject" else "decoded"
        return f"encoded slashes are {done} before routes are tried (paths.encoded_slash)"
    return None


def _normal_escape(escape: re.Match[str]) -> str:
    """Decode what needs no encoding, and write the rest in upper case (RFC 3986 section 6.2.2)."""
    letter = chr(int(escape[1], 16))
    return letter if letter.isascii() and (letter.isalnum() or letter in "-._~") else escape[0].upper()


def _value_match(match: ValueMatch, path: Steps, findings: Findings) -> None:
    kinds = ("exact", "prefix", "regex", "present")
    given = [kind for kind in kinds if getattr(match, kind) is not None]
    if len(given) != 1:
        findings.error(path, f"needs exactly one of {', '.join(kinds)}; it has {_listed(given)}")
    elif match.regex is not None:
        _regex(match.regex, (*path, "regex"), findings)


def _listed(given: object) -> str:
    names = list(given) if isinstance(given, dict | list) else []
    return " and ".join(names) or "none"


def _regex(pattern: str, path: Steps, findings: Findings) -> None:
    if _LOOK_AROUND.search(pattern) or _BACK_REFERENCE.search(pattern):
        findings.error(
            path, "look-around and back-references are not supported: every regex runs in linear time"
        )
        return
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        said = getattr(error, "msg", "too large")
        if said.startswith(_CERTAIN):
            findings.error(path, f"not a regex: {said} at position {(getattr(error, 'pos', 0) or 0) + 1}")
