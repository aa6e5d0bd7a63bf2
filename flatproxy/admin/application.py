"""What the admin address answers. Everything but `POST /reload` only reads."""

import asyncio
import json
import os
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.middleware.base import RequestResponseEndpoint

from flatproxy.admin import metrics
from flatproxy.admin.guard import Guard
from flatproxy.core import native
from flatproxy.core.proxy import Proxy


def application(proxy: Proxy, guard: Guard) -> FastAPI:
    """The ASGI application of one proxy process."""
    app = FastAPI(title="FlatProxy", version=native.__version__, redoc_url=None)

    @app.middleware("http")
    async def judge(request: Request, proceed: RequestResponseEndpoint) -> Response:
        headers = request.headers
        refusal = guard.refusal(
            request.url.path, headers.get("host"), headers.get("origin"), headers.get("authorization")
        )
        if refusal is None:
            return await proceed(request)
        status, reason = refusal
        challenge = {"www-authenticate": "Bearer"} if status == 401 else None
        return JSONResponse({"error": reason}, status, challenge)

    _add_probes(app, proxy)
    _add_views(app, proxy)
    _add_reload(app, proxy)
    return app


def _add_probes(app: FastAPI, proxy: Proxy) -> None:
    @app.get("/healthz", response_class=PlainTextResponse)
    async def healthz() -> str:
        """The process is alive and its admin thread answers."""
        return "ok\n"

    @app.get("/ready", response_class=PlainTextResponse)
    async def ready() -> PlainTextResponse:
        """200 while new connections are served; 503 while the proxy starts or drains."""
        return PlainTextResponse(f"{proxy.state}\n", 200 if proxy.state == "serving" else 503)


def _add_views(app: FastAPI, proxy: Proxy) -> None:
    @app.get("/metrics")
    async def prometheus() -> Response:
        """Metrics in the Prometheus text format."""
        return Response(metrics.render(proxy), media_type=metrics.CONTENT_TYPE)

    @app.get("/plan")
    async def plan() -> JSONResponse:
        """The plan that serves, as `flatproxy explain` shows it; no secrets."""
        return JSONResponse(proxy.kept.description if proxy.kept is not None else {})

    @app.get("/version")
    async def version() -> dict[str, str]:
        """The version of the package, which is that of the core."""
        return {"version": native.__version__}

    @app.get("/status")
    async def status() -> dict[str, Any]:
        """Process, certificate, last reload, listeners and upstreams as of now."""
        core: dict[str, Any] = json.loads(proxy.engine.status()) if proxy.engine is not None else {}
        return {
            "state": proxy.state,
            "pid": os.getpid(),
            "started": proxy.started,
            "reloads": proxy.reloads,
            "last_reload_errors": proxy.last_errors,
            "identity": _identity(proxy),
            **core,
        }


def _add_reload(app: FastAPI, proxy: Proxy) -> None:
    @app.post("/reload")
    async def reload() -> JSONResponse:
        """Load the configuration file again. 422 with every error when it is refused; then nothing changes."""
        errors = await asyncio.wrap_future(proxy.request_reload())
        return JSONResponse({"errors": errors}, 422 if errors else 200)


def _identity(proxy: Proxy) -> dict[str, Any] | None:
    watch = proxy.watch
    if watch is None:
        return None
    return {
        "id": watch.identity.id,
        "serial": watch.identity.serial,
        "not_after": watch.identity.not_after.isoformat(),
        "failing": watch.failing,
    }
