"""What the environment may say."""

import pytest

from app.settings import Settings, load_settings


def test_a_name_of_the_real_application_that_is_not_used_does_no_harm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STORAGE_STATE_DIR", "anything")
    assert Settings().ru_fetcher_mode == "http"


def test_a_blank_is_as_good_as_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As compose hands on what .env leaves blank."""
    wanted = Settings()
    for name in type(wanted).model_fields:
        monkeypatch.setenv(name.upper(), "")
    assert Settings() == wanted


def test_hosts_are_read_without_blanks_and_in_lower_case() -> None:
    settings = Settings(ssrf_allowlist_hosts=" Shop.test , 10.0.0.1:8080,, ")
    assert settings.allowed_hosts == {"shop.test", "10.0.0.1:8080"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RU_FETCHER_MODE", "firefox"),
        ("BROWSER_CHANNEL", "msedge"),
        ("HEADLESS", "perhaps"),
        ("MAX_CONCURRENCY", "0"),
        ("RANDOM_UA", "sometimes"),
        ("PROXY_SERVER", "socks5://proxy.test:1080"),
        ("PROXY_SERVER", "proxy.test:3128"),
        ("PROXY_SERVER", "http://ann:secret@proxy.test:3128"),
        ("PROXY_SERVER", "http://proxy.test:99999"),
        ("PROXY_IGNORE_CERT_ERRORS", "perhaps"),
        ("LLM_MODE", "ask"),
        ("LLM_BASE_URL", "model.test/v1"),
        ("LLM_TIMEOUT_S", "0"),
        ("LLM_MAX_CHARS", "0"),
    ],
)
def test_a_bad_setting_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    load_settings.cache_clear()
    with pytest.raises(SystemExit) as refused:
        load_settings()
    assert str(refused.value).startswith(f"item-resolver cannot start: {name}: ")
    assert value == "0" or value not in str(refused.value)


def test_a_model_without_an_address_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_MODE", "live")
    load_settings.cache_clear()
    with pytest.raises(SystemExit) as refused:
        load_settings()
    assert str(refused.value).endswith("LLM_MODE=live needs LLM_BASE_URL")
