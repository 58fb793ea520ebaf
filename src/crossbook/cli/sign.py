"""`crossbook sign --venue V --key-file F < request.json`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from crossbook.venues.keys import AgentKey, BinanceKey

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

REQUEST_BYTES_MAX = 1 << 20


@app.command()
def sign(
    venue: Annotated[str, typer.Option(help="binance_spot, binance_usdm, binance_coinm or hyperliquid.")],
    key_file: Annotated[
        Path, typer.Option(help="One hex line (Hyperliquid agent), an HMAC secret, or an Ed25519 or RSA PEM.")
    ],
    config: Annotated[
        list[Path] | None, typer.Option(help="A configuration whose keys are refused, besides those found; repeatable.")
    ] = None,
) -> None:
    """Sign a request read from standard input and print what would be sent. For known answers: nothing is sent.

    Hyperliquid: {action, nonce, vaultAddress, expiresAfter, env} -> the same with signature {r, s, v}. The actions are
    order, cancel, cancelByCloid, modify, batchModify, scheduleCancel, updateLeverage and noop; their keys keep their
    order. env is mainnet, testnet or local; local signs as testnet.

    Binance: {kind, params, timestamp} -> {params, signature, payload}; kind rest signs the params in their order,
    percent-encoded, timestamp last; ws signs them sorted and raw, apiKey among them. payload is the text signed.

    A key that a configuration uses is refused: configs/, ~/.config/crossbook/, CROSSBOOK_CONFIGS and --config are
    searched for key_file and key_fingerprint. Exit 2: refused, with the reason.
    """
    import msgspec

    from crossbook.cli.keys_in_use import must_not_be_in_use
    from crossbook.errors import Refused
    from crossbook.types import VENUE_BY_LABEL
    from crossbook.venues.keys import AgentKey, load_key

    if venue not in VENUE_BY_LABEL:
        raise Refused(f"venue {venue!r} is unknown; venues: {', '.join(VENUE_BY_LABEL)}")
    key = load_key(key_file, VENUE_BY_LABEL[venue], personal=False)
    must_not_be_in_use(key_file, key.fingerprint, config or ())
    request = _request()
    answer = _sign_action(key, request) if isinstance(key, AgentKey) else _sign_params(key, request)
    typer.echo(msgspec.json.encode(answer).decode())


def _request() -> dict[str, Any]:
    """The request, its numbers with a fraction or exponent kept as they are written."""
    import msgspec

    from crossbook.errors import Refused

    content = sys.stdin.buffer.read(REQUEST_BYTES_MAX + 1)
    if len(content) > REQUEST_BYTES_MAX:
        raise Refused(f"request: more than {REQUEST_BYTES_MAX} bytes on standard input; give one JSON object")
    try:
        request = msgspec.json.Decoder(float_hook=lambda text: msgspec.Raw(text.encode())).decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(f"request: no JSON on standard input: {error}; give one JSON object") from None
    except RecursionError:
        raise Refused("request: nested too deep; give one JSON object") from None
    if not isinstance(request, dict):
        raise Refused("request: not a JSON object; see `crossbook sign --help` for its fields")
    return request


def _sign_action(key: AgentKey, request: dict[str, Any]) -> dict[str, Any]:
    from crossbook.errors import Refused
    from crossbook.venues.endpoints import Environment
    from crossbook.venues.hyperliquid.actions import check_action
    from crossbook.venues.hyperliquid.signing import sign_l1, signs_as_mainnet, vault_of

    _check_fields(request, ("action", "nonce", "vaultAddress", "expiresAfter", "env"))
    environments = {environment.value: environment for environment in Environment}
    env = request.get("env")
    if not isinstance(env, str) or env not in environments:
        raise Refused(f"env {_short(env)}: must be one of {', '.join(sorted(environments))}")
    expires = request.get("expiresAfter")
    signature = sign_l1(
        key,
        check_action(request.get("action")),
        _stamp("nonce", request.get("nonce")),
        vault_of(request.get("vaultAddress")),
        None if expires is None else _stamp("expiresAfter", expires),
        mainnet=signs_as_mainnet(environments[env]),
    )
    optional = {name: request.get(name) for name in ("vaultAddress", "expiresAfter")}
    return request | optional | {"signature": signature}


def _sign_params(key: BinanceKey, request: dict[str, Any]) -> dict[str, Any]:
    from crossbook.errors import Refused
    from crossbook.venues.binance.signing import rest_payload, sorted_params, ws_payload

    _check_fields(request, ("kind", "params", "timestamp"))
    kind, params = request.get("kind"), request.get("params")
    if not isinstance(params, dict):
        raise Refused("params: must be an object of names and values, in the order to be sent")
    stamp = request.get("timestamp", params.get("timestamp"))
    if "timestamp" in params and params["timestamp"] != stamp:
        raise Refused(f"timestamp {_short(stamp)}: params says another; give it once")
    params = params | {"timestamp": _stamp("timestamp", stamp)}
    if kind == "rest":
        payload = rest_payload(params.items())
    elif kind == "ws":
        if not params.get("apiKey"):
            raise Refused("params: no apiKey; the WebSocket API signs it with the rest, so give it")
        params = sorted_params(params)
        payload = ws_payload(params)
    else:
        raise Refused(f"kind {_short(kind)}: must be rest or ws")
    return {"params": params, "signature": key.sign(payload.encode()), "payload": payload}


def _check_fields(request: dict[str, Any], known: tuple[str, ...]) -> None:
    from crossbook.errors import Refused

    unknown = [name for name in request if name not in known]
    if unknown:
        raise Refused(f"request: unknown field {_short(unknown[0])}; fields: {', '.join(known)}")


def _stamp(name: str, value: object) -> int:
    from crossbook.errors import Refused

    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise Refused(f"{name} {_short(value)}: must be a whole number, 0 or more: milliseconds since 1970")
    return value


def _short(value: object) -> str:
    """A value for a message: never long, never more than its kind where it is a structure."""
    return repr(value)[:40] if isinstance(value, str | int | None) else type(value).__name__
