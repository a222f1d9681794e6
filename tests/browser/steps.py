"""Every step a page takes in storing and sending, by name, and the end of the page at one of them.

Invariant: a page that stops does nothing more, it does not even hear what came of its last request; then its process is
killed, as a phone short of memory does it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from playwright.sync_api import Error, Route

from tests.browser.phone import Phone

API = "**/api/**"
STOPPED = "/stopped"
# A page that waits here for an answer, which never comes, runs nothing else.
NOTE_STEPS = """(() => {
  let steps = []
  let last = null
  window.takeSteps = () => steps.splice(0)
  window.stopAt = name => { last = name }
  const step = name => {
    steps.push(name)
    if (name !== last) return
    const request = new XMLHttpRequest()
    request.open('GET', 'STOPPED', false)
    request.send()
  }
  const written = new WeakMap()
  for (const method of ['put', 'delete']) {
    const plain = IDBObjectStore.prototype[method]
    IDBObjectStore.prototype[method] = function (...args) {
      const what = `${method} ${this.name}${this.name === 'meta' ? ` ${args.at(-1)}` : ''}`
      const { transaction } = this
      if (!written.has(transaction)) {
        written.set(transaction, new Set())
        transaction.addEventListener('complete', () => step(`kept ${[...written.get(transaction)].join(', ')}`))
      }
      written.get(transaction).add(what)
      step(`before ${what}`)
      const request = plain.apply(this, args)
      request.addEventListener('success', () => step(`after ${what}`))
      return request
    }
  }
  const plainFetch = window.fetch
  window.fetch = async (...args) => {
    const what = `${args[1]?.method ?? 'GET'} ${String(args[0]).replace(/[?].*|[/][0-9a-f]{64}/g, '')}`
    step(`before ${what}`)
    const answering = plainFetch(...args)
    step(`sent ${what}`)
    const answer = await answering
    step(`answered ${what}`)
    return answer
  }
})()""".replace("STOPPED", STOPPED)


class Steps:
    """What the pages of one phone do from now on, step by step."""

    def __init__(self, phone: Phone) -> None:
        self._phone = phone
        phone.context.add_init_script(NOTE_STEPS)
        phone.kill_page()

    def take(self) -> list[str]:
        """The steps taken since the last time, each by the first time it came."""
        return list(dict.fromkeys(self._phone.page.evaluate("takeSteps()")))

    def cut_off(self) -> None:
        """No request gets through any more. (The browser's own switch hangs once a page has crashed.)"""
        self._phone.context.route(API, lambda route: route.abort("internetdisconnected"))

    def reconnect(self) -> None:
        """There is a network again, and the page is told."""
        self._phone.context.unroute(API)
        self._phone.page.evaluate("() => { dispatchEvent(new Event('online')) }")

    def kill_at(self, step: str, act: Callable[[], None]) -> None:
        """Act, have the page end when it comes to the step, and open the app again, PIN and all, without a network."""
        phone = self._phone
        session = phone.context.new_cdp_session(phone.page)

        def kill(_route: Route) -> None:
            with suppress(Error):  # nobody is left to answer
                session.send("Page.crash")

        phone.page.route(f"**{STOPPED}", kill)
        phone.page.evaluate("name => stopAt(name)", step)
        with phone.page.expect_event("crash"):
            act()
        self.cut_off()
        phone.kill_page()
