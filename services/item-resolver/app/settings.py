"""What item-resolver reads from its environment. A bad setting stops the start and is not shown."""

from functools import cache
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """One field per environment variable, same name in upper case.

    Others of the real application's names (RANDOM_UA, PROXY_*, STORAGE_STATE_DIR, LLM_*) may be set
    and are not used: this resolver asks no model, keeps no sessions and has its own way out.
    """

    # hide_input_in_errors: a validation error must not quote the secret that failed.
    model_config = SettingsConfigDict(hide_input_in_errors=True, extra="ignore")

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

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Hosts, or host:port, that may be fetched although their address is private."""
        names = (name.strip().lower() for name in self.ssrf_allowlist_hosts.split(","))
        return frozenset(name for name in names if name)


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
            f"item-resolver cannot start: {str(error['loc'][0]).upper()}: {error['msg']}"
            for error in errors
        )
    )
