"""Under which browser's name a page is asked for."""

import pytest
from fastapi.testclient import TestClient

from app import names
from tests.conftest import TOKEN, Shop, client_of, resolve


def test_one_name_is_the_same_each_time() -> None:
    assert {names.firefox(another=False) for _ in range(20)} == {
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    }
    assert names.chrome("141.0.7390.54", another=False).endswith("Chrome/141.0.0.0 Safari/537.36")


def test_another_name_is_one_of_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.choice", lambda some: some[-1])
    monkeypatch.setattr("random.randrange", lambda number: number - 1)
    assert names.chrome("141.0.7390.54", another=True) == (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/139.0.0.0 Safari/537.36"
    )


@pytest.mark.parametrize("wanted", [True, False])
def test_a_shop_is_told_another_name_when_that_is_wanted(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    monkeypatch.setattr("random.choice", lambda some: some[-1])
    client: TestClient = client_of(
        ru_bearer_token=TOKEN, ssrf_allowlist_hosts="127.0.0.1", random_ua=str(wanted)
    )
    assert resolve(client, f"{shop.url}/plain")[0] == 200
    assert ["Macintosh" in name for name in shop.names] == [wanted]
