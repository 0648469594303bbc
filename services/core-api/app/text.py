"""Characters that no field holds: they steer a terminal, or show a text as what it is not."""

import re

# Control characters (C0, DEL, C1), line and paragraph separators, marks and overrides of the
# direction of writing, and halves of characters.
STEERING = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def without_steering(text: str) -> str:
    """The text without such characters; those that part words become blanks."""
    return STEERING.sub(lambda found: " " if found[0].isspace() else "", text)
