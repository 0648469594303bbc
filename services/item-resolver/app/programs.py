"""Which of the browsers on this machine is taken."""

import shutil

# What each BROWSER_CHANNEL is called where it is installed, the best first.
PROGRAMS = {
    "chrome": ("google-chrome-stable", "google-chrome", "chromium", "chromium-headless-shell"),
    "chromium": ("chromium", "chromium-headless-shell"),
}


def find_program(channel: str, headless: bool) -> str:
    """The browser's program. Raises SystemExit when none is installed that can do it."""
    # The headless shell has no window to open.
    names = [name for name in PROGRAMS[channel] if headless or not name.endswith("shell")]
    for name in names:
        if found := shutil.which(name):
            return found
    raise SystemExit(f"item-resolver cannot start: no browser here: none of {', '.join(names)}")
