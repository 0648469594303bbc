"""Reading a page: what a wish needs from it."""

from selectolax.lexbor import LexborHTMLParser


def title_of(html: str) -> str | None:
    """The title the page gives for sharing, else its own; None when it has neither."""
    tree = LexborHTMLParser(html)
    shared = tree.css_first('meta[property="og:title"]')
    if shared is not None:
        content = (shared.attributes.get("content") or "").strip()
        if content:
            return content
    own = tree.css_first("title")
    text = " ".join(own.text().split()) if own is not None else ""
    return text or None
