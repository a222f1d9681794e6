"""Every screen of the phone can be read and used by everyone: by axe's rules, with large text, with a thumb, by keyboard."""

from __future__ import annotations

from itertools import chain

import pytest

from tests.browser.barriers import LOOKS, walk_screens
from tests.browser.phone import Phone
from tests.browser.photos import take_photo
from tests.browser.walks import (
    walk_aid,
    walk_offline,
    walk_phone,
    walk_registering,
)

SOMEWHERE = {"latitude": 46.185, "longitude": 129.416, "accuracy": 9}


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_every_screen_of_the_phone_can_be_read_and_used(new_phone, live, words, scheme, tmp_path):
    phone: Phone = new_phone(color_scheme=scheme, permissions=["geolocation"], geolocation=SOMEWHERE)
    photo = take_photo(tmp_path / "IMG_0003.jpg")
    found = walk_screens(phone, chain(walk_phone(phone, live.password, photo), walk_offline(phone)))
    assert found == {}


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_forms_of_registering_correcting_and_aid_can_be_read_and_used(new_phone, live, words, scheme):
    phone: Phone = new_phone(color_scheme=scheme, reduced_motion="reduce")
    phone.sign_in(live.password)
    phone.context.set_offline(True)
    found = walk_screens(phone, chain(walk_registering(phone), walk_aid(phone)))
    assert found == {}
