"""One request to a served Binance, from REST or the WebSocket API: its parameters, and the bytes that were signed.

The bytes matter: a signature is over what was sent, not over what it means. REST signs query + body, in that order and
without a separator, less the `signature` pair; the WebSocket API signs its parameters sorted, raw.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from urllib.parse import unquote_plus

import msgspec

from crossbook.errors import Refused
from crossbook.money import parse_e8
from crossbook.venues.served.binance_problem import Problem, illegal, missing

DECIMALS_LEGAL = "^([0-9]{1,20})(\\.[0-9]{1,20})?$"


class Way(IntEnum):
    """How a request came."""

    REST = 0
    WS_API = 1


class Ask(msgspec.Struct, kw_only=True):
    """A request: `params` by name as text, the signed `payload`, the claimed `signature` and `api_key`.

    `account` is None until the request was authorised. `connection` is the WebSocket API connection it came by.
    """

    way: Way
    params: dict[str, str]
    payload: bytes = b""
    signature: str = ""
    api_key: str = ""
    address: str = ""
    received_ns: int = 0
    account: object = None
    connection: object = None

    def has(self, name: str) -> bool:
        """Whether a parameter was sent and is not empty."""
        return self.params.get(name, "") != ""

    def text(self, name: str, default: str | None = None) -> str:
        """A parameter; raises -1102 where it is absent and has no default."""
        value = self.params.get(name, "")
        if value != "":
            return value
        if default is None:
            raise missing(name)
        return default

    def word(self, name: str, legal: Mapping[str, object] | set[str], code: int = 0, default: str | None = None) -> str:
        """A parameter out of a closed set; raises `code` (or -1102) for another one."""
        value = self.text(name, default)
        if value not in legal:
            raise Problem(code) if code else missing(name)
        return value

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number; raises -1100 for anything else."""
        value = self.text(name, None if default is None else str(default))
        if not (value.isascii() and value.removeprefix("-").isdigit() and len(value) <= 19):
            raise illegal(name, "^[0-9]{1,20}$")
        return int(value)

    def flag(self, name: str, default: bool = False) -> bool:
        """true or false, in any case."""
        value = self.text(name, "true" if default else "false").lower()
        if value not in ("true", "false"):
            raise illegal(name, "true|false")
        return value == "true"

    def decimal(self, name: str, default: int | None = None) -> int:
        """A decimal number in 1e-8 units; raises -1100 for no number and -1111 for more than eight decimals."""
        if default is not None and not self.has(name):
            return default
        value = self.text(name)
        try:
            return parse_e8(value, name)
        except Refused as refused:
            if "decimals" in str(refused):
                raise Problem(-1111, f"Parameter '{name}' has too much precision.") from None
            raise illegal(name, DECIMALS_LEGAL) from None

    def strings(self, name: str) -> list[str]:
        """A JSON list of strings or numbers, as text."""
        try:
            return [str(value) for value in msgspec.json.decode(self.text(name), type=list[str | int])]
        except msgspec.MsgspecError:
            raise illegal(name, '["A","B"]') from None


def rest_ask(query: bytes, body: bytes, api_key: str, address: str, received_ns: int) -> Ask:
    """A REST request from the raw query string and body. On a clash the query wins; a body may be form or JSON."""
    if body.lstrip()[:1] == b"{":
        in_query, named, signature = _pairs(query)
        return Ask(
            way=Way.REST, params={**_json_params(body), **named}, payload=in_query + body, signature=signature,
            api_key=api_key, address=address, received_ns=received_ns,
        )  # fmt: skip
    in_query, named, signature = _pairs(query)
    in_body, more, signature_below = _pairs(body.strip())
    return Ask(
        way=Way.REST, params={**more, **named}, payload=in_query + in_body, signature=signature or signature_below,
        api_key=api_key, address=address, received_ns=received_ns,
    )  # fmt: skip


def _pairs(raw: bytes) -> tuple[bytes, dict[str, str], str]:
    kept: list[bytes] = []
    named: dict[str, str] = {}
    signature = ""
    for pair in raw.split(b"&") if raw else ():
        name, _, value = pair.partition(b"=")
        text = unquote_plus(value.decode("utf-8", "replace"))
        if name == b"signature":
            # a base64 signature may come unescaped, and '+' is one of its letters
            signature = text if b"+" not in value else value.decode("ascii", "replace")
            continue
        kept.append(pair)
        named[unquote_plus(name.decode("utf-8", "replace"))] = text
    return b"&".join(kept), named, signature


def _json_params(body: bytes) -> dict[str, str]:
    try:
        values = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.MsgspecError:
        raise Problem(-1135) from None
    return {name: raw_text(value) for name, value in values.items()}


def raw_text(value: msgspec.Raw) -> str:
    """A JSON value as the text that is signed: strings bare, numbers and booleans as they were written."""
    raw = bytes(value)
    return msgspec.json.decode(raw, type=str) if raw[:1] == b'"' else raw.decode()


def ws_ask(params: Mapping[str, msgspec.Raw], address: str, received_ns: int) -> Ask:
    """A WebSocket API request from its `params` object; null parameters count as absent."""
    named = {name: raw_text(value) for name, value in params.items() if bytes(value) != b"null"}
    signature = named.pop("signature", "")
    payload = "&".join(f"{name}={named[name]}" for name in sorted(named)).encode()
    return Ask(
        way=Way.WS_API, params=named, payload=payload, signature=signature, api_key=named.get("apiKey", ""),
        address=address, received_ns=received_ns,
    )  # fmt: skip
