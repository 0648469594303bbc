"""uvicorn's own command (`python -m app app.main:app`), but a stop asked for is no failure.

uvicorn ends a graceful stop by raising the signal again, which an init process reports as 143.
"""

import signal
import sys
from types import FrameType

import uvicorn


def stop(_signal: int, _frame: FrameType | None) -> None:
    """Asked to stop, and all that a graceful stop does is done."""
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
uvicorn.main()
