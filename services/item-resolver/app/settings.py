"""What item-resolver reads from its environment. A bad setting stops the start and is not shown."""

from functools import cache
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """One field per environment variable, same name in upper case."""

    # hide_input_in_errors: a validation error must not quote the secret that failed.
    model_config = SettingsConfigDict(hide_input_in_errors=True, extra="ignore")

    ru_bearer_token: SecretStr = SecretStr("")
    ru_fetcher_mode: Literal["http", "stub"] = "http"
    ssrf_allowlist_hosts: str = ""
    max_concurrency: int = Field(default=2, ge=1)

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Hosts that may be fetched although their address is private."""
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
