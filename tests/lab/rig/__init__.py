"""The lab: disposable servers on this machine, real in every part.

``Lab().up()`` brings them up, ``lab.server("ubuntu")`` is one of them. Everything the lab makes
carries the label ``wishwithme.lab=<id of this checkout>``; nothing else is ever touched.
"""

from .docker import LabError
from .lab import Lab
from .server import Server

__all__ = ["Lab", "LabError", "Server"]
