"""What core-api reads from its environment. A bad setting stops the start and is not shown."""

from functools import cache

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """One field per environment variable, same name in upper case."""

    # hide_input_in_errors: a validation error must not quote the secret that failed.
    model_config = SettingsConfigDict(hide_input_in_errors=True, extra="ignore")

    database_url: SecretStr = Field(min_length=1)
    # The one before: what connects tries it where the database refuses the first.
    database_former_password: SecretStr = SecretStr("")
    redis_url: SecretStr = SecretStr("redis://redis:6379/0")
    jwt_secret_key: SecretStr = Field(min_length=32)
    debug: bool = False
    cors_allow_all: bool = False
    cors_origins: str = ""
    item_resolver_url: str = ""
    item_resolver_token: SecretStr = SecretStr("")

    @property
    def allowed_origins(self) -> list[str]:
        """The browser origins that may call this API with credentials of their own."""
        if self.cors_allow_all:
            return ["*"]
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]


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
            f"core-api cannot start: {str(error['loc'][0]).upper()}: {error['msg']}"
            for error in errors
        )
    )
