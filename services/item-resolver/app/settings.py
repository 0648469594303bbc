"""What item-resolver reads from its environment. A bad setting stops the start and is not shown."""

from functools import cache
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """One field per environment variable, same name in upper case.

    One more name of the real application (STORAGE_STATE_DIR) may be set and is not used: this
    resolver keeps no sessions.
    """

    # hide_input_in_errors: a validation error must not quote the secret that failed.
    # env_ignore_empty: compose hands every name on, blank where .env leaves it so.
    model_config = SettingsConfigDict(
        hide_input_in_errors=True, extra="ignore", env_ignore_empty=True
    )

    ru_bearer_token: SecretStr = SecretStr("")
    # playwright: a browser, which runs scripts; http: one plain request; stub: no request.
    ru_fetcher_mode: Literal["playwright", "http", "stub"] = "http"
    # Which browser is taken where it is installed. chrome: Google's, else Debian's Chromium.
    browser_channel: Literal["chrome", "chromium"] = "chrome"
    # false needs a whole browser and a screen; the image has the headless shell alone.
    headless: bool = True
    # Pages at a time; a few more wait for their turn.
    max_concurrency: int = Field(default=2, ge=1)
    # Hosts, or host:port, with commas between them.
    ssrf_allowlist_hosts: str = ""
    # Another browser's name for every page.
    random_ua: bool = False
    # http://host:port or https://host:port; blank: pages are asked for without a proxy.
    proxy_server: str = Field(default="", pattern=r"^(https?://[\w.-]+(:\d{1,5})?)?$")
    proxy_username: str = ""
    proxy_password: SecretStr = SecretStr("")
    # Hosts, and all below them, with commas between them.
    proxy_bypass: str = ""
    proxy_ignore_cert_errors: bool = False
    # live: a model reads the pages that name no product; stub: nobody does.
    llm_mode: Literal["stub", "live"] = "stub"
    llm_base_url: str = Field(default="", pattern=r"^(https?://[\w.-]+(:\d{1,5})?(/[\w./-]*)?)?$")
    llm_api_key: SecretStr = SecretStr("")
    llm_model: str = "gpt-4o-mini"
    llm_timeout_s: float = Field(default=60, gt=0)
    llm_max_chars: int = Field(default=200_000, ge=1)

    @field_validator("proxy_server", "llm_base_url")
    @classmethod
    def _require_port(cls, address: str) -> str:
        try:
            _ = urlsplit(address).port
        except ValueError:
            raise ValueError("there is no such port") from None
        return address

    @model_validator(mode="after")
    def _require_address(self) -> Self:
        if self.llm_mode == "live" and not self.llm_base_url:
            raise ValueError("LLM_MODE=live needs LLM_BASE_URL")
        return self

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Hosts, or host:port, that may be fetched although their address is private."""
        names = (name.strip().lower() for name in self.ssrf_allowlist_hosts.split(","))
        return frozenset(name for name in names if name)


def _named(place: tuple[int | str, ...]) -> str:
    return f"{str(place[0]).upper()}: " if place else ""


@cache
def load_settings() -> Settings:
    """Read the environment once.

    Raises SystemExit with one line per bad setting: its name and what is wrong, never its value.
    """
    try:
        return Settings()
    except ValidationError as refused:
        errors = refused.errors(include_input=False, include_url=False, include_context=False)
    raise SystemExit(
        "\n".join(
            f"item-resolver cannot start: {_named(error['loc'])}{error['msg']}" for error in errors
        )
    )
