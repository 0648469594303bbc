"""Use cases: look, decide, show, act, look again. Effects only through the adapters."""
