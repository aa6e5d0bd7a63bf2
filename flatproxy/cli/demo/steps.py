"""What the demo shows, in order: each step does something real and says what it saw."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from flatproxy.cli.demo.load import CONNECTIONS, Lap, Load
from flatproxy.cli.demo.program import flatproxy

if TYPE_CHECKING:
    from collections.abc import Callable

    from flatproxy.cli.demo.stage import Stage

CLIENT = "spiffe://demo.mesh/shop/web"
FORGED = "URI=spiffe://demo.mesh/admin"
NO_CERTIFICATE = 'flatproxy_tls_handshakes_refused_total{listener="mesh",reason="no_certificate"}'
FIRST_ROUTE = "    routes: &routes\n"
NEW_ROUTE = (
    '      - {name: hello, match: {path: {exact: /hello}}, respond: {body: "hello from the new plan\\n"}}\n'
)
MEASURED_SECONDS = 3.0
PATIENCE_SECONDS = 30.0  # for what takes milliseconds on a quiet machine
ENOUGH = 1000  # answers that show that traffic goes on


class NotAsItShouldBe(Exception):  # noqa: N818  a finding about the proxy, not an error of the demo
    """What was seen is not what should be."""


@dataclass(frozen=True)
class Step:
    """One row of the table."""

    name: str
    done: str
    play: Callable[[Stage], str]  # says what it saw, or raises


def routed(stage: Stage) -> str:
    """Host and path decide which service answers."""
    asked = [
        ("shop.demo", "/orders/17", "orders"),
        ("shop.demo", "/carts/17", "carts"),
        ("carts.demo", "/17", "carts"),
    ]
    answers = [(stage.get(path, host), service) for host, path, service in asked]
    named = [
        f"{answer.status_code} from {answer.headers.get('x-service', 'nobody')}" for answer, _ in answers
    ]
    right = all(answer.headers.get("x-service", "").startswith(service) for answer, service in answers)
    return expect(right, ", ".join(named))


def not_routed(stage: Stage) -> str:
    """No route: no guess either."""
    answer = stage.get("/", "nobody.demo")
    flag = answer.headers.get("x-flatproxy-flag", "no flag")
    return expect((answer.status_code, flag) == (404, "NO_ROUTE"), f"{answer.status_code}, flag {flag}")


def forged(stage: Stage) -> str:
    """Who a client is comes from its certificate alone."""
    told = stage.get("/carts", "shop.demo", x_forwarded_client_cert=FORGED).json()["x-forwarded-client-cert"]
    return expect(told is None, f"the service was told: {told or 'nothing'}")


def anonymous(stage: Stage) -> str:
    """Without a certificate nothing is ever asked of a service."""
    code, said = flatproxy(
        "ca", "issue", "--id", CLIENT, "--out", stage.certificate, "--state", stage.folder / ".flatproxy"
    )
    expect(code == 0, said)
    try:
        answer = stage.get_with_tls("/orders", "shop.demo", None)
    except httpx.TransportError as error:
        alert = re.sub(r"\s*\(_ssl.*|\[.*?\]\s*", "", str(error)) or type(error).__name__
    else:
        raise NotAsItShouldBe(f"answered with {answer.status_code}")
    counted = eventually(lambda: stage.metric(NO_CERTIFICATE) > 0)
    return expect(counted, f"{alert}; {'counted' if counted else 'not counted'} as no_certificate")


def known(stage: Stage) -> str:
    """With one, the service learns the identity that was verified."""
    answer = stage.get_with_tls("/orders", "shop.demo", stage.certificate)
    told = answer.json()["x-forwarded-client-cert"] or ""
    identity = told.partition("URI=")[2]
    return expect(identity == CLIENT, f"{answer.status_code}; the service was told: {identity or 'nothing'}")


def killed(stage: Stage) -> str:
    """The dead endpoint is found out by failing to connect, which no client needs to know."""
    with Load(stage.web, "shop.demo", "/orders") as load:
        load.wait_for(ENOUGH, PATIENCE_SECONDS)
        before = load.lap()
        stage.kill_service("orders-1")
        load.wait_for(CONNECTIONS * 10, PATIENCE_SECONDS)
        moment = load.lap()
        load.wait_for(ENOUGH, PATIENCE_SECONDS)
        after = load.lap()
    # A request that the endpoint had just taken may be lost: whether it was acted upon cannot be known.
    under_way = f"of those under way {failed(moment.failures)}, " if moment.failures else ""
    seen = f"before by {services(before)}; {under_way}after {len(after.seconds):,} by {services(after)}, {failed(after.failures)}"
    goes_on = len(after.seconds) >= ENOUGH and set(after.services) == {"orders-2"} and not after.failures
    return expect(
        goes_on and len(before.services) == 2 and not before.failures and len(moment.failures) <= CONNECTIONS,
        seen,
    )


def revived(stage: Stage) -> str:
    """An endpoint that is back gets its share without anybody's doing."""
    stage.start_service("orders-1").ready(PATIENCE_SECONDS)
    began = time.monotonic()
    laps: list[Lap] = []
    with Load(stage.web, "shop.demo", "/orders") as load:
        while time.monotonic() < began + PATIENCE_SECONDS and not (laps and laps[-1].services["orders-1"]):
            load.wait_for(20, 1)
            laps.append(load.lap())
    failures = [failure for lap in laps for failure in lap.failures]
    back = bool(laps and laps[-1].services["orders-1"])
    seen = f"asked again after {time.monotonic() - began:.1f} s" if back else "is not asked again"
    return expect(back and not failures, f"{seen}; {failed(failures)}")


def reloaded(stage: Stage) -> str:
    """The new plan is swapped in whole; exchanges under way finish on the old one."""
    missing = stage.get("/hello", "shop.demo").status_code
    stage.file.write_text(stage.file.read_text().replace(FIRST_ROUTE, FIRST_ROUTE + NEW_ROUTE, 1))
    (code, said), lap = reload_under_load(stage)
    answer = stage.get("/hello", "shop.demo")
    expect(code == 0, said)
    seen = f"/hello: {missing}, then {answer.status_code}; {len(lap.seconds):,} requests meanwhile, {failed(lap.failures)}"
    return expect((missing, answer.status_code) == (404, 200) and not lap.failures, seen)


def refused(stage: Stage) -> str:
    """A file with a mistake changes nothing, and the mistake is named with its place."""
    good = stage.file.read_text()
    stage.file.write_text(good.replace("        upstream: orders", "        upstrem: orders", 1))
    try:
        (code, said), lap = reload_under_load(stage)
    finally:
        stage.file.write_text(good)
    still = stage.get("/hello", "shop.demo").status_code
    why = said.splitlines()[0].replace(f"{stage.folder}/", "") if said else "no reason given"
    seen = f"{why}; /hello: still {still}; {len(lap.seconds):,} requests meanwhile, {failed(lap.failures)}"
    return expect(code == 1 and still == 200 and "did you mean 'upstream'" in why and not lap.failures, seen)


def measured(stage: Stage) -> str:
    """What a Python client sees of it."""
    with Load(stage.web, "shop.demo", "/orders") as load:
        load.wait_for(CONNECTIONS, PATIENCE_SECONDS)
        load.lap()
        time.sleep(MEASURED_SECONDS)
        lap = load.lap()
    p50, p99 = lap.milliseconds(0.5), lap.milliseconds(0.99)
    seen = f"{lap.per_second:,.0f} requests/s, p50 {p50:.2f} ms, p99 {p99:.2f} ms, {failed(lap.failures)}"
    return expect(bool(lap.seconds) and not lap.failures, seen)


STEPS = (
    Step("Routed by host and path", "GET shop.demo/orders/17, shop.demo/carts/17, carts.demo/17", routed),
    Step("No route", "GET nobody.demo/", not_routed),
    Step("A forged identity", f"GET shop.demo/carts with x-forwarded-client-cert: {FORGED}", forged),
    Step("mTLS, no certificate", "GET https://shop.demo/orders without a client certificate", anonymous),
    Step("mTLS, accepted", f"the same with one from `flatproxy ca issue --id {CLIENT}`", known),
    Step("An endpoint dies", "kill -9 orders-1 under load", killed),
    Step("An endpoint comes back", "start orders-1 again under load", revived),
    Step("Reload under load", "add a route, `flatproxy reload`", reloaded),
    Step("Reload of a bad file", "misspell a key, `flatproxy reload`", refused),
    Step("Speed", f"{CONNECTIONS} connections for {MEASURED_SECONDS:g} s, from Python", measured),
)


# === what they share ===


def expect(right: bool, seen: str) -> str:
    """Give back what was seen when it is right; raise it when not."""
    if not right:
        raise NotAsItShouldBe(seen)
    return seen


def eventually(check: Callable[[], bool]) -> bool:
    """Whether it becomes true; for what the proxy writes down a moment after the client has its answer."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not (true := check()) and time.monotonic() < until:
        time.sleep(0.05)
    return true


def reload_under_load(stage: Stage) -> tuple[tuple[int, str], Lap]:
    """Run `flatproxy reload` while requests are asked; how it went, and how they did."""
    with Load(stage.web, "shop.demo", "/orders") as load:
        load.wait_for(ENOUGH, PATIENCE_SECONDS)
        outcome = flatproxy("reload", "-c", stage.file)
        load.wait_for(ENOUGH, PATIENCE_SECONDS)
        return outcome, load.lap()


def services(lap: Lap) -> str:
    """Who answered."""
    return " and ".join(sorted(lap.services)) or "nobody"


def failed(failures: list[str]) -> str:
    """How many failed, and how the first one did."""
    return f"{len(failures)} failed ({failures[0]})" if failures else "none failed"
