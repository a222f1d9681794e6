"""A wrong setting stops the start and says what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldapp.settings import Settings, SettingsError
from tests.live import run_command


def read(**values: str) -> Settings:
    return Settings.from_environment({f"FIELDAPP_{name}": value for name, value in values.items()})


def test_nothing_set_gives_the_defaults():
    assert Settings.from_environment({"PATH": "/bin"}) == Settings()


def test_every_kind_of_value_is_read():
    settings = read(PORT="8080", DATA_DIR="/srv/field", BEHIND_PROXY="yes", OPERATOR="方正县民政局")
    assert (settings.port, settings.data_dir, settings.behind_proxy) == (8080, Path("/srv/field"), True)
    assert settings.operator == "方正县民政局"


def test_the_test_suites_own_variable_is_left_alone():
    assert read(TEST_POSTGRES_URL="postgresql://localhost/") == Settings()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PRT", "8000", "unknown setting FIELDAPP_PRT"),
        ("PORT", "eighty", "whole number"),
        ("PORT", "80000", "1 to 65535"),
        ("PORT", "", "whole number"),
        ("BEHIND_PROXY", "maybe", "true or false"),
        ("TILE_DATUM", "CGCS2000", "WGS84, GCJ02 or BD09"),
        ("TLS_CERT", "cert.pem", "set both or none"),
        ("DATABASE_URL", "nonsense", "postgresql://user:password@host/database"),
        ("DATABASE_URL", "mysql://root@localhost/field", "postgresql://user:password@host/database"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_write(name, value, said):
    with pytest.raises(SettingsError, match=said) as raised:
        read(**{name: value})
    assert f"FIELDAPP_{name}" in str(raised.value)


def test_a_certificate_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"no-such\.pem: there is no such file"):
        read(TLS_CERT=str(tmp_path / "no-such.pem"), TLS_KEY=str(tmp_path / "no-such.pem"))


def test_a_database_that_does_not_answer_is_said_in_words(tmp_path):
    with pytest.raises(RuntimeError, match="The database does not answer") as raised:
        run_command("init", data_dir=tmp_path, database_url="postgresql://nobody@127.0.0.1:1/none")
    assert "Traceback" not in str(raised.value)
