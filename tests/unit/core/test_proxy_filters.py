"""Filters in a running FlatProxy: opened with the plan, kept by a reload, back after a crash. Requests are in tests/e2e."""

from textwrap import dedent

import httpx

from tests.unit.core.program import parse

FILTER = """\
    from flatproxy import Filter, Options

    class Own(Filter):
        name = "own"

        class Options(Options):
            label: str = "first"

        def open(self, host):
            if self.options.label == "broken":
                raise RuntimeError("cannot begin")
            host.log.info("opened", label=self.options.label)
            host.metrics.counter("opened_total", "Opened.", ["label"]).add(label=self.options.label)

        def close(self):
            self.host.log.info("closed", label=self.options.label)
"""


def config(label="first", **more):
    route = {
        "name": "all",
        "respond": {"status": 200, "body": "hello"},
        "filters": [{"use": "./own.py", "options": {"label": label}}],
    }
    listener = {"name": "web", "listen": "127.0.0.1:0", "routes": [route]}
    return {"admin": {"listen": "127.0.0.2:0"}, "listeners": [listener], "workers": 1, **more}


def write(folder, text=FILTER):
    (folder / "own.py").write_text(dedent(text))


def heard(running, message, label="first"):
    """The line of the filter, which another thread writes: before or after the proxy's own about the same."""
    wanted = {"event": "filter", "message": message, "fields": {"label": label}}
    for line in running.program.lines:
        if wanted.items() <= parse(line).items():
            return parse(line)
    return running.program.line(**wanted)


def metrics(running):
    return httpx.get(f"{running.admin}/metrics", trust_env=False).text


def test_a_filter_is_opened_kept_and_closed(run, tmp_path):
    write(tmp_path)
    running = run(**config()).ready()
    line = heard(running, "opened")
    assert (line["filter"], line["listener"], line["route"]) == ("own", "web", "all")
    sample = 'flatproxy_filter_own_opened_total{listener="web",route="all",label="first"} 1'
    assert sample in metrics(running)

    assert running.reload()[0] == 0
    assert sample in metrics(running), "a reload that changes nothing keeps the instance"

    running.configure(**config("second", drain="1ms"))
    assert running.reload()[0] == 0
    heard(running, "opened", "second")
    heard(running, "closed", "first")


def test_a_file_that_was_edited_is_another_filter_with_the_next_reload(run, tmp_path):
    write(tmp_path)
    running = run(**config()).ready()
    write(tmp_path, FILTER.replace('"opened"', '"opened anew"'))
    assert running.reload()[0] == 0
    heard(running, "opened anew")


def test_a_filter_that_cannot_begin_refuses_the_reload(run, tmp_path):
    write(tmp_path)
    running = run(**config()).ready()
    running.configure(**config("broken"))
    code, said = running.reload()
    assert code == 1
    assert "own cannot be opened: RuntimeError: cannot begin" in said
    assert "flatproxy.yaml:1:" in said, "with its place"
    assert 'label="first"' in metrics(running), "what served before still does"


def test_a_mistake_in_a_filter_file_refuses_the_reload_with_its_trace(run, tmp_path):
    write(tmp_path)
    running = run(**config()).ready()
    write(tmp_path, "1 / 0")
    code, said = running.reload()
    assert code == 1
    assert "ZeroDivisionError" in said
    assert "own.py" in said


def test_after_a_crash_the_filter_is_back_as_it_was(run, tmp_path):
    write(tmp_path)
    running = run(**config()).ready()
    write(tmp_path, "a crash is not a reload")
    running.kill_proxy()
    running.ready()
    assert 'label="first"' in metrics(running)
