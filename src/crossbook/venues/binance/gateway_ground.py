"""What all parts of a Binance gateway stand on: the common ground, and asking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from crossbook.errors import Refused
from crossbook.types import Level, Venue
from crossbook.venues import gateway_common
from crossbook.venues.binance.instruments import RateLimit
from crossbook.venues.binance.requests import Request, Security
from crossbook.venues.binance.signing import Signer, rest_payload
from crossbook.venues.budgets import RAW, Limit, Purpose
from crossbook.venues.endpoints import Endpoints, Environment
from crossbook.venues.gateway import Desk
from crossbook.venues.keys import BinanceKey
from crossbook.venues.messages import Error
from crossbook.venues.network import Ports
from crossbook.venues.rest import Outcome, Rest


class Ground(gateway_common.Ground):
    """With REST, signed where a request needs it."""

    def __init__(
        self,
        ports: Ports,
        desk: Desk,
        venue: Venue,
        environment: Environment,
        where: Endpoints,
        symbols: tuple[str, ...],
        api_key: str,
        key: BinanceKey | None,
    ) -> None:
        super().__init__(ports, desk, venue, environment, where, symbols)
        self.key, self.api_key = key, api_key
        self.signer = None if key is None else Signer(key, api_key)
        self.is_spot = venue is Venue.BINANCE_SPOT
        self.rest = Rest(ports, where.rest, self.budgets)
        self.is_closed = False
        self.settles: dict[str, str] = {}
        """The asset in which each symbol of the venue settles."""

    # asking

    def ask(
        self, request: Request, on_outcome: Callable[[Outcome], None], purpose: Purpose = Purpose.NORMAL
    ) -> None:  # fmt: skip
        """Ask over REST, signed where the request needs it. An answer after the end is not heard."""

        def came(outcome: Outcome) -> None:
            if not self.is_closed:
                self.guard(lambda: on_outcome(outcome))

        query = ""
        if request.security is Security.SIGNED and self.signer is not None:
            query = self.signer.sign_rest(request.params, self.venue_ms())
        elif request.params:
            query = rest_payload(request.params)
        headers: Mapping[str, str] = {}
        if request.security is not Security.NONE:
            headers = {"X-MBX-APIKEY": self.api_key}
        path = f"{request.path}?{query}" if query else request.path
        self.rest.ask(
            request.method, path, came, costs=with_raw(request.costs), headers=headers, purpose=purpose
        )  # fmt: skip

    def seen(self, limits: Iterable[RateLimit]) -> None:
        """The venue says what of its limits is used; or only what they are."""
        now_ns = self.monotonic_ns()
        for limit in limits:
            if limit.count is not None:
                self.budgets.seen(limit.rate_limit_type, limit.window_s, limit.count, now_ns)
            elif limit.window_s:
                self.budgets.adopt(Limit(limit.rate_limit_type, limit.limit, limit.window_s), now_ns)

    def guard(self, call: Callable[[], object]) -> bool:
        """Take something that the venue said. What does not fit the desk's grids cannot be booked: no entries then."""
        try:
            call()
        except Refused as error:
            self.trouble("unbookable", f"{self.label}: {error}", Level.CLOSE_ONLY)
            return False
        return True

    # telling

    def back_off(self, error: Error, until_ns: int) -> None:
        if error.name == "ip_banned":
            self.budgets.banned(until_ns)
        else:
            self.budgets.back_off(until_ns)


def with_raw(costs: Mapping[str, int]) -> Mapping[str, int]:
    """The costs of a request; each one counts as a raw request too."""
    return {**costs, RAW: 1}
