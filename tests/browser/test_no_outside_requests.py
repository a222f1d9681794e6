"""The app needs nothing but its own server, installs, and says what to do where it cannot run."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import DESK_SIZE
from tests.browser.desk import Desk
from tests.browser.photos import take_photo
from tests.browser.walks import walk_desk, walk_phone
from tests.chromium import INSECURE_HOST

SOMEWHERE = {"latitude": 46.185, "longitude": 129.416, "accuracy": 9}
WECHAT = (
    "Mozilla/5.0 (Linux; Android 12; V2166A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/107.0.5304.141 Mobile Safari/537.36 XWEB/5023 MMWEBSDK/20230202 MicroMessenger/8.0.33.2320(0x28002151) "
    "WeChat/arm64 Weixin NetType/4G Language/zh_CN ABI/arm64"
)


class Watch:
    """What a context asks for and complains about."""

    def __init__(self, context: BrowserContext) -> None:
        self.asked: set[str] = set()
        self.complaints: list[str] = []
        context.on("request", lambda request: self.asked.add(request.url))
        context.on("console", lambda message: self._hear(message.type, message.text))

    def _hear(self, kind: str, text: str) -> None:
        # A wrong password and a page that is not there are part of the walks.
        if kind in {"error", "warning"} and not text.startswith(
            "Failed to load resource: the server responded with"
        ):
            self.complaints.append(text)

    def find_outside(self, url: str) -> set[str]:
        """Addresses asked for that are not the server's."""
        return {
            address
            for address in self.asked
            if urlsplit(address).scheme not in {"blob", "data"} and not address.startswith(f"{url}/")
        }


def test_the_phone_asks_nobody_but_its_server_and_nothing_complains(new_phone, live, tmp_path):
    phone = new_phone(permissions=["geolocation"], geolocation=SOMEWHERE)
    watch = Watch(phone.context)
    phone.page.reload()
    for _screen in walk_phone(phone, live.password, take_photo(tmp_path / "IMG_0005.jpg")):
        pass
    assert f"{live.url}/api/sync/push" in watch.asked
    assert watch.find_outside(live.url) == set()
    assert watch.complaints == []


def test_the_desk_asks_nobody_but_its_server_and_nothing_complains(open_context, words, live):
    context = open_context("desk", viewport=DESK_SIZE)
    watch = Watch(context)
    for _page in walk_desk(Desk(context, words), live.password):
        pass
    assert any(address.startswith(f"{live.url}/api/attachments/") for address in watch.asked)
    assert watch.find_outside(live.url) == set()
    assert watch.complaints == []


def test_the_app_can_be_installed_and_its_worker_is_in_charge(phone):
    page = phone.page
    assert page.evaluate("navigator.serviceWorker.controller.scriptURL").endswith("/app/sw.js")
    session = phone.context.new_cdp_session(page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["url"].endswith("/app/manifest.webmanifest")
    assert manifest["errors"] == []
    obstacles = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # The browser of a test is a private window, which never installs anything.
    assert [one["errorId"] for one in obstacles if one["errorId"] != "in-incognito"] == []
    icons = page.evaluate(
        """async () => {
          const { icons } = await (await fetch('/app/manifest.webmanifest')).json()
          return Promise.all(icons.map(async ({ src, sizes, purpose }) => {
            const image = new Image()
            image.src = src
            await image.decode()
            return [purpose, sizes, `${image.naturalWidth}x${image.naturalHeight}`]
          }))
        }"""
    )
    assert {purpose for purpose, _, _ in icons} == {"any", "maskable"}
    assert all(promised == real for _, promised, real in icons)


@pytest.mark.parametrize("words", ["zh", "en"], indirect=True)
def test_inside_wechat_the_app_says_how_to_open_it_in_the_browser(new_phone, live):
    phone = new_phone(user_agent=WECHAT)
    phone.choose_language()
    expect(
        phone.page.get_by_role("heading", name=phone.words("Please open this in your browser"))
    ).to_be_visible()
    for step in ("Tap “···” at the top right", "Choose “Open in browser”", "Sign in there"):
        expect(phone.text(step)).to_be_visible()
    expect(phone.page.get_by_text(f"{live.url}/app/")).to_be_visible()


def test_an_insecure_address_is_explained_in_both_languages(open_context, live):
    page = open_context("phone").new_page()
    page.goto(f"http://{INSECURE_HOST}:{live.port}/app/")
    assert page.evaluate("isSecureContext") is False
    expect(page.get_by_role("heading", name="请用安全地址打开")).to_be_visible()
    expect(page.get_by_role("heading", name="Please open the secure address")).to_be_visible()
    expect(page.get_by_label("账号")).to_have_count(0)
