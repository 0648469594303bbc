"""Where the cause of red gates is likely to be."""

from __future__ import annotations

import pytest

from fabfile.model.deploy.causes import causes
from fabfile.model.probe import Verdict

WAY = (
    "outside:site: the server answers itself, so look at the way to it: DNS, a firewall of the"
    " server or of its provider, a CDN"
)
PROXY = (
    "proxy:site: the services answer at their own addresses, so look at the proxy: its"
    " server_name, its upstreams, its log"
)
UNTRUSTED = (
    "outside:site: who asks does not trust the certificate that is served: see fab ssl.status"
)
REFUSED = "ConnectionError: [Errno 111] Connection refused"


@pytest.mark.parametrize(
    ("gates", "said"),
    [
        ({"probe:web": "", "proxy:site": "", "outside:site": REFUSED}, [WAY]),
        ({"probe:web": "", "server:site": "", "outside:site": REFUSED}, [WAY]),
        ({"probe:web": "", "proxy:site": "answered 404"}, [PROXY]),
        ({"probe:web": "", "proxy:site": "answered 502", "outside:site": "answered 502"}, [PROXY]),
        (
            {"proxy:site": "", "outside:site": "SSLError: certificate verify failed: expired"},
            [UNTRUSTED],
        ),
        ({"probe:web": "answered 500", "proxy:site": "answered 502"}, []),
        ({"check:events": "no event", "link": "no answer"}, []),
        ({"probe:web": "", "outside:site": ""}, []),
    ],
)
def test_what_is_green_tells_where_to_look(gates: dict[str, str], said: list[str]) -> None:
    assert causes([Verdict(gate, not why, why) for gate, why in gates.items()]) == said
