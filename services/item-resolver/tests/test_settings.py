"""What the environment may say."""

import pytest

from app.settings import Settings, load_settings


def test_names_of_the_real_application_that_are_not_used_do_no_harm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("LLM_MODE", "LLM_API_KEY", "PROXY_SERVER", "RANDOM_UA", "STORAGE_STATE_DIR"):
        monkeypatch.setenv(name, "anything")
    assert Settings().ru_fetcher_mode == "http"


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
