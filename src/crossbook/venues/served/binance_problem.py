"""What a served Binance refuses, in its own codes, words and HTTP statuses."""

from __future__ import annotations

from collections.abc import Mapping

TEXTS: Mapping[int, str] = {
    -1000: "An unknown error occurred while processing the request.",
    -1001: "Internal error; unable to process your request. Please try again.",
    -1002: "You are not authorized to execute this request.",
    -1006: "An unexpected response was received from the message bus. Execution status unknown.",
    -1007: "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    -1008: "Server is currently overloaded with other requests. Please try again in a few minutes.",
    -1014: "Unsupported order combination.",
    -1020: "This operation is not supported.",
    -1022: "Signature for this request is not valid.",
    -1100: "Illegal characters found in a parameter.",
    -1115: "Invalid timeInForce.",
    -1116: "Invalid orderType.",
    -1117: "Invalid side.",
    -1120: "Invalid interval.",
    -1121: "Invalid symbol.",
    -1125: "This listenKey does not exist.",
    -1128: "Combination of optional parameters invalid.",
    -1135: "Invalid JSON Request",
    -1136: "Invalid newOrderRespType.",
    -1145: "Invalid cancelRestrictions",
    -1194: "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.",
    -2011: "Unknown order sent.",
    -2013: "Order does not exist.",
    -2014: "API-key format invalid.",
    -2015: "Invalid API-key, IP, or permissions for action.",
    -2018: "Balance is insufficient.",
    -2019: "Margin is insufficient.",
    -2021: "Order cancel-replace partially failed.",
    -2022: "ReduceOnly Order is rejected.",
    -2023: "User in liquidation mode now.",
    -2025: "Reach max open order limit.",
    -2027: "Exceeded the maximum allowable position at current leverage.",
    -2035: "User Data Stream subscription already active.",
    -2036: "User Data Stream subscription not active.",
    -2039: "Client order ID is not correct for this order ID.",
    -2043: "This symbol doesn't have a reference price.",
    -4001: "Price less than 0.",
    -4002: "Price greater than max price.",
    -4003: "Quantity less than zero.",
    -4004: "Quantity less than min quantity.",
    -4005: "Quantity greater than max quantity.",
    -4013: "Price less than min price.",
    -4014: "Price not increased by tick size.",
    -4015: "Client order id is not valid.",
    -4021: "Invalid depth limit",
    -4023: "Quantity not increased by step size.",
    -4046: "No need to change margin type.",
    -4047: "Margin type cannot be changed if there exists open orders.",
    -4048: "Margin type cannot be changed if there exists position.",
    -4056: "HMAC_SHA256 API key is not supported.",
    -4059: "No need to change position side.",
    -4060: "Invalid position side.",
    -4061: "Order's position side does not match user's setting.",
    -4082: "Invalid number of batch place orders.",
    -4088: "User can not place order currently",
    -4116: "ClientOrderId is duplicated.",
    -4120: "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
    -4131: "The counterparty's best price does not meet the PERCENT_PRICE filter limit.",
    -4141: "Symbol is closed.",
    -5021: "Due to the order could not be filled immediately, the FOK order has been rejected. "
    "The order will not be recorded in the order history.",
    -5022: "Due to the order could not be executed as maker, the Post Only order will be rejected. "
    "The order will not be recorded in the order history.",
    -5024: "Symbol is not in trading status. Order amendment is not permitted.",
    -5025: "Only limit order is supported.",
    -5027: "No need to modify the order.",
    -5047: "The original order is not a reduce-only order.",
}  # fmt: skip
"""Codes whose text never varies; the others are built by the functions below."""

STATUSES: Mapping[int, int] = {
    -1000: 500, -1001: 500, -1006: 500, -1007: 504, -1008: 503, -1003: 429, -1015: 429, -1002: 401,
    -2014: 401, -2015: 401, -2021: 409,
}  # fmt: skip
"""Every other code is a plain 400."""


class Problem(Exception):
    """A request that is refused: `code` and `text` as the venue says them, `status` the HTTP one.

    `extra` is merged into the error object (`data` of a cancel-replace, `retryAfter` of a ban); `headers` go with the
    answer.
    """

    def __init__(
        self,
        code: int,
        text: str = "",
        *,
        status: int = 0,
        extra: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.code = code
        self.text = text or TEXTS[code]
        self.status = status or STATUSES.get(code, 400)
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})
        super().__init__(f"{code} {self.text}")

    def body(self) -> dict[str, object]:
        """The error object of an answer."""
        return {"code": self.code, "msg": self.text, **self.extra}


def missing(name: str) -> Problem:
    """A mandatory parameter is absent, empty or no such value."""
    return Problem(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def either(first: str, second: str) -> Problem:
    """One of two parameters has to be there."""
    return Problem(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def illegal(name: str, legal: str) -> Problem:
    """A parameter has characters that it may not have."""
    return Problem(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def not_required(name: str) -> Problem:
    """A parameter was sent where it must not be."""
    return Problem(-1106, f"Parameter '{name}' sent when not required.")


def filtered(name: str) -> Problem:
    """A spot order fails one of its symbol's filters."""
    return Problem(-1013, f"Filter failure: {name}")


def rejected(text: str) -> Problem:
    """The matching engine refuses a new order."""
    return Problem(-2010, text)


def late() -> Problem:
    """The request's time stamp is too old."""
    return Problem(-1021, "Timestamp for this request is outside of the recvWindow.")


def early() -> Problem:
    """The request's time stamp lies in the future."""
    return Problem(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
