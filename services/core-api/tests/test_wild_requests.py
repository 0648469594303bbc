"""No request of any kind breaks the service: it is answered, with less than 500."""

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation

from app.main import app
from tests.people import Person

# The same few requests in every run.
BOUNDED = settings(
    max_examples=10,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
pytestmark = pytest.mark.filterwarnings(
    # Of schemathesis' own strategies.
    "ignore::hypothesis.errors.HypothesisDeprecationWarning"
)

NUL, LONE_SURROGATE, HUGE = '"\\u0000"', '"\\ud800"', "9" * 5000


OPERATIONS = {
    operation.ok().label: operation.ok()
    for operation in schemathesis.openapi.from_dict(app.openapi()).get_all_operations()
}


def requests(operation: APIOperation) -> SearchStrategy[schemathesis.Case]:
    """Requests as the description allows them, and others where it leaves anything to break."""
    good = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if not any(operation.iter_parameters()) and not operation.body:
        return good
    return good | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)


@pytest.mark.parametrize("label", OPERATIONS)
def test_no_request_is_answered_with_a_server_error(
    label: str, person_of_the_module: Person, replicas: tuple[str, str]
) -> None:
    header = {"Authorization": f"Bearer {person_of_the_module.token}"}

    @given(case=requests(OPERATIONS[label]))
    @BOUNDED
    def ask(case: schemathesis.Case) -> None:
        case.call_and_validate(
            base_url=replicas[0], headers=header, checks=[not_a_server_error], timeout=20
        )

    ask()


@pytest.fixture(scope="module")
def person_of_the_module(replicas: tuple[str, str]) -> Person:
    return Person(replicas[0])


@pytest.mark.parametrize(
    "body",
    [
        f'{{"name": {NUL}}}',
        f'{{"name": {LONE_SURROGATE}}}',
        f"{{{LONE_SURROGATE}: {LONE_SURROGATE}}}",
        f'{{"name": {HUGE}}}',
        '{"name": NaN}',
        "[" * 100_000,
        b"\xff\xfe",
        "",
    ],
)
def test_a_body_that_is_no_wishlist_is_the_senders_mistake(
    person_of_the_module: Person, body: str | bytes
) -> None:
    header = {"Content-Type": "application/json"}
    answer = person_of_the_module.api.post("/wishlists", content=body, headers=header)
    assert answer.status_code in {400, 422}
    assert answer.json()["detail"]


@pytest.mark.parametrize("raw", ["%00", "%ED%A0%80", "%F0%9F", "é", HUGE[:2000]])
def test_an_odd_path_or_query_is_the_senders_mistake(
    person_of_the_module: Person, replicas: tuple[str, str], raw: str
) -> None:
    assert person_of_the_module.api.get(f"/items/{raw}").status_code in {404, 422}
    stream = httpx.get(f"{replicas[0]}/api/v1/events/stream?token={raw}&last_event_id={raw}")
    assert stream.status_code == 401
