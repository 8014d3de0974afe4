"""`cgi`, which Python 3.13 removed: the functions that scripts use outside of a web server."""

import html
from email.message import Message
from urllib.parse import parse_qs as parse_qs
from urllib.parse import parse_qsl as parse_qsl


def escape(s: str, quote: bool = False) -> str:
    """A text in which nothing is taken for HTML."""
    return html.escape(s, quote)


def parse_header(line: str) -> tuple[str, dict[str, str]]:
    """The value of a header, and its options."""
    header = Message()
    header["content-type"] = line
    (value, _), *options = header.get_params(failobj=[("", "")])
    return value, dict(options)
