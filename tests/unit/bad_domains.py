"""What is no domain name, and must never come into nginx's configuration."""

from __future__ import annotations

BAD_DOMAINS = (
    " ",
    "app example.org",
    "app.example; }",
    "$host.example",
    "App.example",
    "https://app.example",
    "app.example/",
    "app.example:443",
    "app.example\n",
    "app.example.",
    ".example",
    "-a.example",
    "app",
    "*.example",
    "203.0.113.7",
    "münchen.example",
    f"{'a' * 64}.example",
    f"{'a.' * 125}example",
)
