"""A supervisor at the desk, who finds things by the words on them and clicks.

Invariant: no step waits for time to pass, only for something to be seen.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import BrowserContext, FilePayload, Locator, expect

from fieldapp.core import clock
from tests.browser.words import Words


class Desk:
    """One browser at the desk, and the words it speaks."""

    def __init__(self, context: BrowserContext, words: Words) -> None:
        self.words = words
        self.page = context.new_page()

    def button(self, english: str, **values: object) -> Locator:
        """A button that begins with these words; a key may follow."""
        return self.page.get_by_role(
            "button", name=re.compile("^" + re.escape(self.words(english, **values)))
        )

    def link(self, english: str, **values: object) -> Locator:
        """A link that begins with these words; a key may follow."""
        return self.page.get_by_role("link", name=re.compile("^" + re.escape(self.words(english, **values))))

    def text(self, english: str, **values: object) -> Locator:
        """Words on the page."""
        return self.page.get_by_text(self.words(english, **values))

    def field(self, english: str) -> Locator:
        """A field by its label."""
        return self.page.get_by_label(self.words(english), exact=True)

    def open_sign_in(self) -> None:
        """Open the start page in the reader's language; who is not signed in is asked to."""
        self.page.goto("/")
        if self.words.language == "en":
            self.page.get_by_role("button", name="English").click()

    def type_sign_in(self, username: str, password: str) -> None:
        """Fill in the form and send it; what comes of it is not waited for."""
        self.field("Account").fill(username)
        self.field("Password").fill(password)
        self.button("Sign in").click()

    def sign_in(self, password: str, username: str = "supervisor") -> None:
        """Sign in, and see the start page."""
        self.password = password
        self.open_sign_in()
        self.type_sign_in(username, password)
        expect(self.button("Sign out")).to_be_visible()

    def list_cut_choices(self) -> list[str]:
        """What is chosen in lists of the page that are too narrow to show it whole."""
        cut: list[str] = self.page.evaluate(
            """() => [...document.querySelectorAll('main select')].filter(list => list.offsetWidth).flatMap(list => {
              const wide = list.cloneNode(false)
              wide.append(list.selectedOptions[0].cloneNode(true))
              wide.style.cssText = 'position: absolute; width: max-content; min-width: 0'
              list.after(wide)
              const isCut = wide.offsetWidth > list.offsetWidth
              wide.remove()
              return isCut ? [list.selectedOptions[0].text] : []
            })"""
        )
        return cut

    def make_reset_code(self, worker: str) -> str:
        """Make a code for a worker who has forgotten the PIN; gives it as it is read out."""
        self.page.goto("/phones")
        self.page.get_by_role("listitem").filter(has_text=worker).get_by_role(
            "button", name=f"{self.words('Reset code')} {worker}"
        ).click()
        code = self.page.get_by_role("main").get_by_text(re.compile(r"^\d[\d ]+$"))
        return code.inner_text().replace(" ", "")

    def open_upload(self, name: str) -> None:
        """Open what a phone sent of a household and could not be applied."""
        self.page.goto("/quarantine")
        self.page.get_by_role("main").get_by_role("link", name=re.compile("^" + name)).click()
        expect(self.page.get_by_role("main").get_by_role("heading", level=1)).to_contain_text(name)

    def bring_in(self, file: Path) -> None:
        """Bring in the file that a worker made on the phone."""
        self.page.goto("/phones")
        self.link("Bring in a phone’s file").click()
        self.field("The phone's file").set_input_files(file)
        self.button("Bring in").click()

    def open_queue(self) -> None:
        """Go to the review queue by the menu."""
        self.menu.get_by_role("link", name=re.compile("^" + self.words("Review"))).click()
        expect(self.queue).to_be_visible()

    @property
    def menu(self) -> Locator:
        """The main menu, unfolded."""
        menu = self.page.get_by_role("navigation", name=self.words("Main menu"))
        folded = menu.get_by_role("button", name=self.words("Menu"), expanded=False)
        if folded.is_visible():
            folded.click()
        seldom = menu.get_by_role("group").filter(has_text=self.words("Set up"))
        if seldom.count() and seldom.get_attribute("open") is None:
            seldom.locator("summary").click()
        return menu

    def open_visit(self, name: str) -> None:
        """Open a visit of the queue by the household's name."""
        self.open_queue()
        self.queue.get_by_role("listitem").filter(has_text=name).get_by_role("link").click()
        expect(self.page.get_by_role("main").get_by_role("heading", level=1)).to_contain_text(name)

    @property
    def queue(self) -> Locator:
        """The review queue beside the page."""
        return self.page.get_by_role("region", name=self.words("Review queue"))

    @property
    def flags(self) -> Locator:
        """The flags of the visit that is open, with the tasks they led to."""
        return self.page.get_by_role("region", name=self.words("Flags"), exact=True)

    @property
    def message(self) -> Locator:
        """What the desk says about the last step."""
        return self.page.get_by_role("status")

    def open_last_months_ledger(self) -> None:
        """From a grid's page to its ledger of last month, which has visits: on the first days of a month nobody may
        have been visited in it yet.
        """
        self.link("Monthly ledger, to print or as an Excel file").click()
        this_month = clock.local_date(clock.now()).replace(day=1)
        last_month = this_month - timedelta(days=1)
        self.page.get_by_role("link", name=f"‹ {last_month:%Y-%m}").click()
        expect(self.page.get_by_role("link", name=f"{this_month:%Y-%m} ›")).to_be_visible()

    def note(self, question: str, text: str) -> None:
        """Put a note beside an answer, for the form that returns the visit."""
        field = self.page.get_by_label(self.words("Note on: %(question)s", question=self.words(question)))
        self.page.get_by_role("group").filter(has=field).get_by_text(self.words("+ note")).click()
        field.fill(text)

    def upload(self, name: str, content: bytes) -> None:
        """Upload a workbook of that name from wherever we are; what comes of it is not waited for."""
        self.page.goto("/checklist-upload")
        kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        book: FilePayload = {"name": name, "mimeType": kind, "buffer": content}
        self.field("Workbook, and the CSV files it names").set_input_files(book)
        self.button("Check and store").click()

    def publish(self, area: str) -> None:
        """Publish the version that is open to an area of the list, or to all of the one shown, from today on."""
        whole = self.words("all of %(area)s", area=area)
        where = self.page.get_by_role("group", name=self.words("Where"))
        box = where.get_by_role("checkbox", name=area, exact=True)
        box.or_(where.get_by_role("checkbox", name=whole, exact=True)).check()
        self.button("Publish").click()
        expect(self.message).to_contain_text(self.words("Published. Phones there get it at their next sync."))
