"""A file -> `Config`, or every reason why not.

Bytes -> text -> nodes -> model -> checks. Problems of different steps are reported together: a part that does not
fit the model is left out, and what remains is checked all the same.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from flatproxy.config.checks import Findings, check, check_names
from flatproxy.config.compose import compose
from flatproxy.config.errors import ConfigErrors, Place, Problem
from flatproxy.config.models import Config
from flatproxy.config.nodes import Mapping
from flatproxy.config.prune import prune
from flatproxy.config.source import Source
from flatproxy.config.values import describe
from flatproxy.config.wording import problem_of, without_echoes

MAX_FILE_BYTES = 16 << 20


def load(path: Path | str) -> Config:
    """Read and check a configuration file. Opens the files that it names, touches no network.

    Raises `ConfigErrors` with every problem. What is odd, but no error, is in `config.source.warnings`.
    """
    return loads(read_text(Path(path)), name=str(path), folder=Path(path).absolute().parent)


def loads(text: str, name: str, folder: Path) -> Config:
    """Do the same with a text. `name` is what problems call it, `folder` what relative paths start at."""
    root, problems = compose(text, name)
    if not isinstance(root, Mapping):
        what = "must be a mapping with `listeners` and `upstreams`"
        raise ConfigErrors(
            [Problem(Place(name, root.line, root.column), f"the file {what}, not {describe(root.data())}")]
        )
    findings = Findings.about(Source(name, folder, root))
    check_names(root, findings)
    config, errors = validate(root, folder, findings.source)
    problems += errors
    if config is not None:
        check(config, findings)
    problems += findings.problems
    if problems or config is None:
        raise ConfigErrors(problems)
    return config.read_from(Source(name, folder, root, tuple(findings.warnings)))


def validate(root: Mapping, folder: Path, source: Source) -> tuple[Config | None, list[Problem]]:
    """Fit the nodes to the model. Returns what fits and the problems of what does not.

    `root` loses the parts that do not fit, so that the places of what is left stay right.
    """
    problems: list[Problem] = []
    while True:
        try:
            return Config.model_validate(root.data(), context={"folder": folder}), problems
        except ValidationError as error:
            details = without_echoes(error.errors(include_url=False))
            # Later rounds only complain of what pruning took away.
            problems = problems or [problem_of(detail, source) for detail in details]
            if not prune(root, [tuple(detail["loc"]) for detail in details]):
                return None, problems


# === bytes -> text ===


def read_text(path: Path) -> str:
    """Read a file as UTF-8. Raises `ConfigErrors` when it cannot be read, is huge, or is something else."""
    try:
        if path.is_dir():
            raise _refuse(path, "is a folder, not a configuration file")
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        hint = "; name another one with -c" if isinstance(error, FileNotFoundError) else ""
        raise _refuse(path, f"cannot be read: {(error.strerror or str(error)).lower()}{hint}") from None
    except ValueError:
        raise _refuse(path, "cannot be read: the name holds a NUL") from None
    if len(data) > MAX_FILE_BYTES:
        raise _refuse(path, f"is larger than {MAX_FILE_BYTES >> 20} MiB")
    return _decode(data, path)


def _decode(data: bytes, path: Path) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refuse(path, "is UTF-16; save it as UTF-8")
    data = data.removeprefix(b"\xef\xbb\xbf")  # a byte order mark that some editors put in front
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        place = Place(str(path), line, column)
        raise ConfigErrors(
            [Problem(place, f"the byte 0x{data[error.start]:02x} is not UTF-8; save it as UTF-8")]
        ) from None


def _refuse(path: Path, message: str) -> ConfigErrors:
    return ConfigErrors([Problem(Place(str(path)), message)])
