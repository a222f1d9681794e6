"""A grid worker with a phone in the hand, who finds things by the words on them and taps.

Invariant: no step waits for time to pass, only for something to be seen.
"""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.words import Words

# A computer has nothing to call with: it would ask for a program, and cover the page with the question.
NO_CALLS = """addEventListener('click', event => {
  if (event.target.closest('a[href^="tel:"]')) event.preventDefault()
})"""


PIN = "258013"


class Phone:
    """One phone: its browser context, the page that is open, the words it speaks, the taps so far."""

    def __init__(self, context: BrowserContext, words: Words) -> None:
        self.context = context
        context.add_init_script(NO_CALLS)
        self.words = words
        self.taps = 0
        self.page = self.open_app()

    # The app and its page

    def open_app(self) -> Page:
        """Open the app in a new page, as from the home screen."""
        self.page = self.context.new_page()
        self.page.goto("/app/")
        return self.page

    def kill_page(self) -> Page:
        """End the page without a warning, as a phone short of memory does; then open the app again, PIN and all."""
        self.page.close()
        self.open_app()
        self.unlock()
        return self.page

    def tap(self, target: Locator) -> None:
        """One tap."""
        self.taps += 1
        target.tap()

    def button(self, english: str, **values: object) -> Locator:
        """A button by its words."""
        return self.page.get_by_role("button", name=self.words(english, **values), exact=True)

    def link(self, english: str, **values: object) -> Locator:
        """A link that begins with these words."""
        return self.page.get_by_role("link", name=re.compile("^" + re.escape(self.words(english, **values))))

    def field(self, english: str) -> Locator:
        """A field by its label; "optional" may follow."""
        return self.page.get_by_label(self.words(english))

    def text(self, english: str, **values: object) -> Locator:
        """Words on the screen."""
        return self.page.get_by_text(self.words(english, **values))

    def entry(self, *texts: str) -> Locator:
        """The entry of a list that holds these texts."""
        found = self.page.get_by_role("listitem")
        for text in texts:
            found = found.filter(has_text=text)
        return found

    def go_to(self, tab: str) -> None:
        """Go to one of the three main screens."""
        self.tap(self.page.get_by_role("navigation").get_by_role("link", name=self.words(tab)))
        expect(self.page.get_by_role("heading", name=self.words(tab), exact=True)).to_be_visible()

    def refresh(self) -> None:
        """Ask for what is new, and wait until it is here."""
        self.go_to("Me")
        self.tap(self.button("Update now"))
        expect(self.button("Update now")).to_be_enabled()

    # Signing in

    def choose_language(self) -> None:
        """Tap the language on the screen of signing in (or on Me)."""
        name = {"zh": "中文", "en": "English"}[self.words.language]
        self.tap(self.page.get_by_role("button", name=name, exact=True))
        expect(self.page.locator("html")).to_have_attribute("lang", re.compile("^" + self.words.language))

    def type_sign_in(self, username: str, password: str) -> None:
        """Fill in the form and send it; what comes of it is not waited for."""
        self.page.get_by_label(self.words("Account"), exact=True).fill(username)
        self.page.get_by_label(self.words("Password"), exact=True).fill(password)
        self.tap(self.button("Sign in"))

    def type_pin(self, asked: str, pin: str = PIN) -> None:
        """Type a PIN where these words ask for one; what comes of it is not waited for."""
        pad = self.page.get_by_role("group", name=self.words(asked))
        for digit in pin:
            self.tap(pad.get_by_role("button", name=digit, exact=True))

    def choose_pin(self, pin: str = PIN) -> None:
        """Choose a PIN, as at the first sign-in."""
        self.type_pin("Choose a 6-digit PIN", pin)
        self.type_pin("Type it once more", pin)

    def unlock(self, pin: str = PIN) -> None:
        """Type the PIN, and see it taken."""
        self.type_pin("Type your PIN", pin)
        expect(self.page.get_by_role("group", name=self.words("Type your PIN"))).to_have_count(0)

    def sign_in(self, password: str, username: str = "worker") -> None:
        """Sign in, choose a PIN, and wait for the households and for the app to be ready to start without a network."""
        self.choose_language()
        self.type_sign_in(username, password)
        self.choose_pin()
        expect(self.link("All households")).to_be_visible()
        self.go_to("Me")
        expect(self.text("Opens without a network")).to_be_visible()
        self.go_to("Today")

    def sign_out(self) -> None:
        """Sign out, and see the form to sign in."""
        self.go_to("Me")
        self.tap(self.button("Sign out"))
        dialog = self.page.get_by_role("dialog", name=self.words("Sign out?"))
        self.tap(dialog.get_by_role("button").first)
        expect(self.button("Sign in")).to_be_visible()

    # Filling in

    def start_visit(self, name: str) -> None:
        """Start a visit from Today, straight from the list."""
        self.tap(self.button("Start visit to {name}", name=name))
        expect(self.question("Whom did you reach?")).to_be_visible()

    def question(self, english: str, **values: object) -> Locator:
        """The card of a question with choices, a photo or a place; "optional" may follow its words."""
        name = re.compile("^" + re.escape(self.words(english, **values)))
        return self.page.get_by_role("group", name=name)

    def choice(self, question: str, answer: str, **values: object) -> Locator:
        """One of the big buttons of a question."""
        card, name = self.question(question, **values), self.words(answer)
        return card.get_by_role("radio", name=name, exact=True).or_(
            card.get_by_role("checkbox", name=name, exact=True)
        )

    def answer(self, question: str, *answers: str, **values: object) -> None:
        """Tap the answers, and see them chosen."""
        for answer in answers:
            self.tap(self.choice(question, answer, **values))
            expect(self.choice(question, answer, **values)).to_be_checked()

    def answer_heating(self) -> None:
        """From October to April the checklists ask how the home is heated."""
        if self.question("How is the home heated?").is_visible():
            self.answer("How is the home heated?", "Warm, enough fuel")

    def attach(self, question: str, photo: Path) -> None:
        """Choose a photo from the gallery; what comes of it is not waited for."""
        chooser = self.question(question).get_by_role("button", name=self.words("From gallery"))
        chooser.set_input_files(photo)

    def photo(self, number: int = 1) -> Locator:
        """A photo already taken, as a picture one can tap."""
        return self.button("Photo {n}", n=number)

    def answer_daily_life(self, food: str = "10 days or more") -> None:
        """The questions about the household that are asked afresh every time."""
        self.answer("Whom did you reach?", "The person")
        self.answer("How many days of food are left?", food)
        self.answer("Is there enough regular medicine?", "Enough")
        self.answer_heating()
        self.answer("Is urgent help needed now?", "None")

    def same_as_last_time(self) -> None:
        """Tap "same as last time" where it is offered: once is enough for the whole form."""
        offers = self.page.get_by_role("button", name=self.words("Same as last time"))
        if offers.count():
            self.tap(offers.first)
            expect(offers).to_have_count(0)

    def finish(self, kept: str = "It is kept on this phone and goes up by itself.") -> None:
        """Finish the visit, and read that it is saved and what comes next."""
        self.tap(self.button("Finish visit"))
        self.expect_saved()
        expect(self.page.get_by_role("status")).to_contain_text(self.words(kept))

    def expect_saved(self) -> None:
        """What was finished is said to be saved, and Today is shown."""
        expect(self.page.get_by_role("status").filter(has_text=self.words("Saved"))).to_be_visible()
        expect(self.page.get_by_role("heading", name=self.words("Today"), exact=True)).to_be_visible()

    def answer_part(self, question: str, answer: str) -> None:
        """A question of the part that only some people have."""
        if self.question(question).count():
            self.answer(question, answer)

    def fill_visit(
        self,
        name: str,
        food: str = "10 days or more",
        children: tuple[str, ...] = (),
        photo: Path | None = None,
    ) -> None:
        """A visit in which nothing has changed, from Today to its last answer; `children` have a part of their own.

        A photo is asked for where food is short.
        """
        self.start_visit(name)
        self.answer_daily_life(food)
        if photo:
            self.attach("Photo of the problem", photo)
            expect(self.photo()).to_be_visible()
        self.answer_part("Any sign of fraud, abuse or neglect?", "None")
        self.answer_part("Was care given this week?", "Came, and well done")
        for child in children:
            self.answer("Any sign of injury, abuse or neglect of {name}?", "None", name=child)
        self.same_as_last_time()

    def make_visit(self, name: str, food: str = "10 days or more", children: tuple[str, ...] = ()) -> None:
        """The same until it is "saved"."""
        self.fill_visit(name, food, children)
        self.finish()

    def make_visit_with_photo(self, name: str, photo: Path) -> None:
        """A visit to a household short of food, with a photo, until it is "saved"."""
        self.fill_visit(name, "Under 3 days", photo=photo)
        self.finish("It is kept on this phone and goes up first. If it is urgent, call now.")
