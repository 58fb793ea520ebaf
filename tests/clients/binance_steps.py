"""What the Binance client scripts share: steps that are recorded, and an order that fills in part.

Run by the clients' Python, not by pytest.
"""

import asyncio
import json
import sys
import time

did = {}


def plain(value):
    """Anything a client returns, as JSON."""
    return json.loads(json.dumps(value, default=_plain))


def _plain(value):
    for name in ("to_dict", "model_dump"):
        if hasattr(value, name):
            return getattr(value, name)()
    return str(value)


def step(call):
    """Do it now, remember what it returned or raised under its name."""
    began = time.monotonic()
    try:
        did[call.__name__] = plain(call())
    except Exception as error:
        did[call.__name__] = {"raised": f"{type(error).__name__}: {error}"}
    sys.stderr.write(f"{call.__name__} {time.monotonic() - began:.3f}\n")
    return call


async def astep(call, seconds=15):
    """The same for a coroutine function."""
    began = time.monotonic()
    try:
        did[call.__name__] = plain(await asyncio.wait_for(call(), seconds))
    except Exception as error:
        did[call.__name__] = {"raised": f"{type(error).__name__}: {error}"}
    sys.stderr.write(f"{call.__name__} {time.monotonic() - began:.3f}\n")


def raised(call, *arguments, **more):
    """The class and the text of what a call raises; None if it does not."""
    try:
        call(*arguments, **more)
    except Exception as error:
        return [type(error).__name__, str(error)]
    return None


async def until(is_true, seconds=8):
    """Wait for it; gives what it found."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = is_true()
        if found:
            return found
        await asyncio.sleep(0.02)
    raise TimeoutError("it did not happen")


def partly(best_ask, place, state_of, cancel, decimals, tries=30):
    """Buy somewhat more than stands at the best ask until an order fills in part, and cancel its rest.

    The market moves between reading and asking, so that some tries fill wholly or not at all. Gives the order as
    placed and the answer to the cancel.
    """
    for _ in range(tries):
        price, there = best_ask()
        if price * there * 2 < 60_000:
            placed = place(round(there * 1.5 + 10**-decimals, decimals), price)
            state = state_of(placed)
            try:
                canceled = cancel(placed) if state != "FILLED" else None
            except Exception as gone:
                state = str(gone)
            if state == "PARTIALLY_FILLED":
                return placed, canceled
        time.sleep(0.05)
    raise TimeoutError("no order filled in part")


def tell():
    """All steps as JSON on standard output."""
    sys.stdout.write(json.dumps(did) + "\n")
