"""Under which browser's name a page is asked for: always one, or another one each time."""

import random

SYSTEMS = ("X11; Linux x86_64", "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7")
FIREFOX = 128
# So many versions back are still in use.
RECENT = 3


def chrome(version: str, *, another: bool) -> str:
    """Chrome's name at this version: many shops show nothing to a browser without a window."""
    system, major = _picked(int(version.partition(".")[0]), another)
    return (
        f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko)"
        f" Chrome/{major}.0.0.0 Safari/537.36"
    )


def firefox(*, another: bool) -> str:
    """Firefox' name: shops answer a plain client with an empty page."""
    system, major = _picked(FIREFOX, another)
    return f"Mozilla/5.0 ({system}; rv:{major}.0) Gecko/20100101 Firefox/{major}.0"


def _picked(major: int, another: bool) -> tuple[str, int]:
    if not another:
        return SYSTEMS[0], major
    return random.choice(SYSTEMS), major - random.randrange(RECENT)  # noqa: S311 - nothing secret
