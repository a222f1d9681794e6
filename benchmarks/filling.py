"""How soon a form can be filled in, and how soon an answer shows, on a slow phone: ours beside two other engines.

All are measured in one run, by turns, in the same Chromium slowed down sixfold. Invariant: they differ in engine and
page only; the form, the clock, what counts as ready and the way an answer is given are the same (docs/performance.md).
"""

from __future__ import annotations

import gzip
import json
import math
import statistics
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from benchmarks.forms import Form
from tests import chromium

HERE = Path(__file__).parent
SLOWDOWN = 6
COLD_LOADS = 9
ANSWERS = 20
# How long a finger rests on the glass.
PRESS_MS = 80
LOAD_LIMIT_MS = 120_000
OURS, EMPTY = "ours", "empty"
RIVALS = {"odk": "@getodk/xforms-engine", "enketo": "enketo-core"}
# Not as it is published, but as light as it can be made: shown, and no part of what is promised.
VARIANTS = {"enketo_bare": "… without widgets"}
# What our readiness may be of the best rival's, by questions of the form.
READY_LIMITS = {30: 0.45, 150: 1 / 3}
ANSWER_LIMIT_MS = 50

_TYPES = {".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".xml": "text/xml"}


@dataclass(frozen=True)
class Readiness:
    """Milliseconds from navigation to the first question and to all of them, one of each per cold load."""

    first_ms: list[float]
    all_ms: list[float]

    @property
    def median_ms(self) -> float:
        """Until the whole form can be filled."""
        return statistics.median(self.all_ms)


@dataclass(frozen=True)
class Measured:
    """Everything one run found; keys are (engine, questions of the form)."""

    ready: dict[tuple[str, int], Readiness]
    answers_ms: dict[tuple[str, int], list[float]]
    bundle_bytes: dict[str, int]


@dataclass(frozen=True)
class Promise:
    """One of the figures that must hold: `measured` may be `limit` at most."""

    words: str
    measured: float
    limit: float
    places: int

    @property
    def holds(self) -> bool:
        """Whether it does."""
        return self.measured <= self.limit

    def __str__(self) -> str:
        measured, limit = f"{self.measured:.{self.places}f}", f"{self.limit:.{self.places}f}"
        return f"{'ok' if self.holds else 'TOO MUCH':>9}  {self.words}: {measured}, of {limit} allowed"


def measure(browser: Browser, forms: list[Form], folder: Path) -> Measured:
    """Bundle the pages into `folder`, serve them, and measure each engine on each form, by turns."""
    files = _bundle(folder)
    for form in forms:
        files[f"/forms/{form.name}.json"] = json.dumps(form.compiled.document, ensure_ascii=False).encode()
        files[f"/forms/{form.name}.xml"] = form.compiled.xform.encode()
        files[f"/forms/{form.name}.enketo.json"] = _transform(browser, files, form)
    engines = [OURS, *RIVALS, *VARIANTS]
    loads: list[tuple[str, Form | None]] = [(EMPTY, None)]
    loads += [(engine, form) for form in forms for engine in engines]
    times: dict[tuple[str, int], list[dict[str, float]]] = {}
    answers: dict[tuple[str, int], list[float]] = {}
    with _serve(files) as url:
        for _ in range(COLD_LOADS):
            for engine, shown in loads:
                with _opened(browser, url, engine, shown) as (_page, time):
                    times.setdefault((engine, shown.questions if shown else 0), []).append(time)
        for form in forms:
            for engine in engines:
                with _opened(browser, url, engine, form) as (page, _time):
                    answers[engine, form.questions] = _answer_all(page, form)
    ready = {
        key: Readiness([time["first"] for time in found], [time["all"] for time in found])
        for key, found in times.items()
    }
    sizes = {engine: len(gzip.compress(files[f"/{engine}.js"], 9)) for engine in engines}
    return Measured(ready, answers, sizes)


def table(found: Measured) -> str:
    """Every figure side by side, and whether what is promised holds."""
    names = {EMPTY: "empty page", OURS: "fieldapp"} | RIVALS | VARIANTS
    lines = [
        f"Filling in a form, processor slowed down {SLOWDOWN} times, {COLD_LOADS} cold loads each, by turns",
        f"{'questions':>9}  {'':<22} {'first':>9} {'all ready':>10} {'(from – to)':>17}"
        f" {'an answer':>10} {'worst':>8}",
    ]
    for engine, questions in found.ready:
        ready = found.ready[engine, questions]
        answers = found.answers_ms.get((engine, questions), [])
        shown = f"{statistics.median(answers):>7.0f} ms {max(answers):>5.0f} ms" if answers else ""
        span = f"({min(ready.all_ms):,.0f} – {max(ready.all_ms):,.0f})"
        lines.append(
            f"{questions or '':>9}  {names[engine]:<22} {statistics.median(ready.first_ms):>6,.0f} ms"
            f" {ready.median_ms:>7,.0f} ms {span:>17} {shown}"
        )
    lines += [f"{size:>9,} bytes of script, gzip: {names[name]}" for name, size in found.bundle_bytes.items()]
    return "\n".join([*lines, *(str(promise) for promise in promises(found))])


def promises(found: Measured) -> list[Promise]:
    """What is promised of ours beside the best of the others, and what was measured."""
    kept = []
    for questions, limit in READY_LIMITS.items():
        best = min(RIVALS, key=lambda rival: found.ready[rival, questions].median_ms)
        share = found.ready[OURS, questions].median_ms / found.ready[best, questions].median_ms
        kept.append(
            Promise(f"{questions} questions: ready in this part of {RIVALS[best]}'s time", share, limit, 2)
        )
    answer = statistics.median(found.answers_ms[OURS, max(READY_LIMITS)])
    kept.append(
        Promise(
            f"{max(READY_LIMITS)} questions: an answer shows within ms, median", answer, ANSWER_LIMIT_MS, 0
        )
    )
    return kept


def _bundle(folder: Path) -> dict[str, bytes]:
    subprocess.run(["node", HERE / "bundle.mjs", folder], check=True)
    return {f"/{path.name}": path.read_bytes() for path in folder.iterdir() if path.is_file()}


def _transform(browser: Browser, files: dict[str, bytes], form: Form) -> bytes:
    """What Enketo's server would send for the form."""
    page = browser.new_page()
    page.add_script_tag(content=files["/enketo_transformer.js"].decode(), type="module")
    page.wait_for_function("() => 'transform' in window")
    made = page.evaluate("async xform => await transform({ xform })", form.compiled.xform)
    page.close()
    return json.dumps({"form": made["form"], "model": made["model"]}, ensure_ascii=False).encode()


@contextmanager
def _serve(files: dict[str, bytes]) -> Iterator[str]:
    """The files, and a page for each engine and form, compressed as a server in the field would send them."""
    packed = {path: gzip.compress(content) for path, content in files.items()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content, kind = packed.get(self.path), _TYPES.get(Path(self.path).suffix)
            if self.path.count("/") == 2 and content is None:
                content, kind = gzip.compress(_html(self.path).encode()), "text/html"
            if content is None or kind is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _html(path: str) -> str:
    """The page at /<engine>/<form>: it asks for script, style and form at once."""
    _, engine, form = path.split("/")
    style = "preview.css" if engine == OURS else "plain.css"
    ending = {OURS: "json", "odk": "xml", "enketo": "enketo.json", "enketo_bare": "enketo.json"}.get(engine)
    preload = f'<link rel="preload" as="fetch" crossorigin href="/forms/{form}.{ending}">' if ending else ""
    return (
        '<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>form</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f'{preload}<link rel="stylesheet" href="/{style}"><script type="module" src="/{engine}.js"></script>'
        "</head><body></body></html>"
    )


@contextmanager
def _opened(
    browser: Browser, url: str, engine: str, form: Form | None
) -> Iterator[tuple[Page, dict[str, float]]]:
    """A cold load, with nothing cached, of an engine's page in a slowed-down browser; ready to be filled in."""
    context = browser.new_context(**chromium.SCREENS["phone"])
    context.add_init_script(path=HERE / "pages" / "watch.js")
    page = context.new_page()
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.set_default_timeout(LOAD_LIMIT_MS)
    cdp = context.new_cdp_session(page)
    cdp.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    page.goto(f"{url}/{engine}/{form.name if form else 'none'}", wait_until="commit")
    asked = form.asked if form else 0
    time = page.evaluate("asked => watch.ready(asked)", asked)
    found = page.evaluate("() => watch.answerable()")
    if failures or found != asked:
        raise RuntimeError(f"{engine}: {found} of {asked} questions {failures}")
    yield page, time
    context.close()


def _answer_all(page: Page, form: Form) -> list[float]:
    """Milliseconds from each click to the frame that shows what it changed: every switch on, then off, and so on."""
    times = []
    for turn in range(max(2, math.ceil(ANSWERS / len(form.switches)))):
        is_on = turn % 2 == 0
        for number, switch in enumerate(form.switches, 1):
            on = number if is_on else len(form.switches) - number
            value = "yes" if is_on else "no"
            place = page.evaluate(
                "wanted => watch.aim(wanted)", {"question": switch.question, "value": value}
            )
            texts = {switch.note: f"：{2 if is_on else 0} 分", "total_note": f"：{2 * on} 分"}
            page.evaluate(
                "wanted => watch.expect(wanted)",
                {"appears": switch.appears, "isThere": is_on, "texts": texts},
            )
            page.mouse.click(place["x"], place["y"], delay=PRESS_MS)
            times.append(page.evaluate("() => watch.answer"))
            if page.evaluate("path => filled.value(path)", switch.question) != value:
                raise RuntimeError(f"{switch.question} did not take {value}")
    return times
