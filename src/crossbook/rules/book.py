"""Order books from venue updates: apply a frame, keep the best quote, walk the depth.

One implementation for the desk's belief and for the simulated venue's truth.
"""

from __future__ import annotations

from typing import Any

from crossbook.events import EventKind
from crossbook.rules.kernel import kernel
from crossbook.rules.layout import BOOK_EMPTY, BOOK_GAP, BOOK_SYNCED, DEPTH
from crossbook.types import Chain

SNAPSHOT = int(EventKind.BOOK_SNAPSHOT)
DELTA = int(EventKind.BOOK_DELTA)
QUOTE = int(EventKind.QUOTE)
FIRST_ID = int(Chain.FIRST_ID)
PREVIOUS_ID = int(Chain.PREVIOUS_ID)

IGNORE = 0
APPLY = 1
GAP = 2


@kernel
def chain_verdict(chain: int, book_id: int, chained: int, chain_id: int, last_id: int) -> int:
    """IGNORE, APPLY or GAP for a depth update, by the venue's documented rule.

    Binance spot: `u <= book id` is old; `U > book id + 1` is a gap. Binance futures: the first update after a
    snapshot must reach over it (`u >= snapshot id`, `U <= snapshot id`); from then on `pu` must be our last `u`.
    """
    if last_id <= book_id:
        return IGNORE
    if chain == FIRST_ID:
        return GAP if chain_id > book_id + 1 else APPLY
    if chain == PREVIOUS_ID and (chain_id > book_id or (chained and chain_id != book_id)):
        return GAP
    return APPLY


@kernel
def find(book: Any, side: int, key: int) -> int:
    """Where `key` stands on `side`, or would have to stand."""
    low = 0
    high = book.n[side]
    while low < high:
        middle = (low + high) >> 1
        if book.key[side, middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def set_level(book: Any, side: int, price: int, lots: int) -> None:
    """State that `lots` stand at `price`; 0 removes the price. Clears our overlay there if the venue changed it."""
    key = price if side == 0 else -price
    at = find(book, side, key)
    n = book.n[side]
    if at < n and book.key[side, at] == key:
        if lots == 0:
            for k in range(at, n - 1):
                book.key[side, k] = book.key[side, k + 1]
                book.lots[side, k] = book.lots[side, k + 1]
                book.used[side, k] = book.used[side, k + 1]
            book.n[side] = n - 1
        elif book.lots[side, at] != lots:
            book.lots[side, at] = lots
            book.used[side, at] = 0
        return
    if lots == 0:
        return
    if n == DEPTH:
        book.dropped += 1
        if at == 0:
            return
        for k in range(at - 1):
            book.key[side, k] = book.key[side, k + 1]
            book.lots[side, k] = book.lots[side, k + 1]
            book.used[side, k] = book.used[side, k + 1]
        at -= 1
    else:
        for k in range(n, at, -1):
            book.key[side, k] = book.key[side, k - 1]
            book.lots[side, k] = book.lots[side, k - 1]
            book.used[side, k] = book.used[side, k - 1]
        book.n[side] = n + 1
    book.key[side, at] = key
    book.lots[side, at] = lots
    book.used[side, at] = 0


@kernel
def best_price(book: Any, side: int) -> int:
    """The best price of a side that is not empty."""
    key = book.key[side, book.n[side] - 1]
    return key if side == 0 else -key


@kernel
def trim_to_quote(book: Any, quote: Any) -> None:
    """Let a quote newer than the depth rule the top: better prices are gone, the best quantities are the quote's."""
    while book.n[0] > 0 and (quote.bid_lots == 0 or best_price(book, 0) > quote.bid):
        book.n[0] -= 1
    while book.n[1] > 0 and (quote.ask_lots == 0 or best_price(book, 1) < quote.ask):
        book.n[1] -= 1
    if quote.bid_lots > 0:
        set_level(book, 0, quote.bid, quote.bid_lots)
    if quote.ask_lots > 0:
        set_level(book, 1, quote.ask, quote.ask_lots)


@kernel
def quote_from_book(book: Any, quote: Any) -> None:
    """Read the best of both sides into the quote."""
    quote.bid = best_price(book, 0) if book.n[0] > 0 else 0
    quote.bid_lots = book.lots[0, book.n[0] - 1] if book.n[0] > 0 else 0
    quote.ask = best_price(book, 1) if book.n[1] > 0 else 0
    quote.ask_lots = book.lots[1, book.n[1] - 1] if book.n[1] > 0 else 0


@kernel
def replace_levels(book: Any, rows: Any) -> None:
    """Make the book exactly the levels of a snapshot, keeping our overlay where the venue restates the same lots."""
    for side in range(2):
        for k in range(book.n[side]):
            price = book.key[side, k] if side == 0 else -book.key[side, k]
            if book.used[side, k] == 0 or not _states(rows, side, price, book.lots[side, k]):
                book.lots[side, k] = 0
        kept = 0
        for k in range(book.n[side]):
            if book.lots[side, k] > 0:
                book.key[side, kept] = book.key[side, k]
                book.lots[side, kept] = book.lots[side, k]
                book.used[side, kept] = book.used[side, k]
                kept += 1
        book.n[side] = kept
    for k in range(len(rows)):
        row = rows[k]
        if row.lots > 0:
            set_level(book, row.side, row.price, row.lots)


@kernel
def _states(rows: Any, side: int, price: int, lots: int) -> bool:
    for k in range(len(rows)):
        row = rows[k]
        if row.side == side and row.price == price:
            return bool(row.lots == lots)
    return False


@kernel
def apply_depth(book: Any, quote: Any, chain: int, rows: Any) -> bool:
    """Fold a snapshot or delta frame into book and quote; whether anything was applied."""
    first = rows[0]
    if first.kind == SNAPSHOT:
        replace_levels(book, rows)
        book.status = BOOK_SYNCED
        book.chained = 0
    else:
        if book.status != BOOK_SYNCED:
            return False
        verdict = chain_verdict(chain, book.id, book.chained, first.id2, first.id)
        if verdict == IGNORE:
            return False
        if verdict == GAP:
            book.status = BOOK_GAP
            book.gaps += 1
            return False
        for k in range(len(rows)):
            row = rows[k]
            if row.price > 0:
                set_level(book, row.side, row.price, row.lots)
        book.chained = 1
    book.id = first.id
    if quote.id > book.id:
        trim_to_quote(book, quote)
    else:
        quote_from_book(book, quote)
        quote.id = book.id
    quote.ts = first.ts
    quote.ts_venue = first.ts_venue
    return True


@kernel
def apply_quote(book: Any, quote: Any, row: Any) -> bool:
    """Take a best bid and ask, unless it is older than what we have; whether it was taken."""
    if row.id < quote.id:
        return False
    quote.bid = row.price
    quote.bid_lots = row.lots
    quote.ask = row.price2
    quote.ask_lots = row.lots2
    quote.id = row.id
    quote.ts = row.ts
    quote.ts_venue = row.ts_venue
    if book.status == BOOK_SYNCED and quote.id >= book.id:
        trim_to_quote(book, quote)
    return True


@kernel
def apply_market(book: Any, quote: Any, chain: int, rows: Any) -> bool:
    """Fold any market frame of an instrument; whether its book or quote changed."""
    kind = rows[0].kind
    if kind == QUOTE:
        return apply_quote(book, quote, rows[0])
    if kind == SNAPSHOT or kind == DELTA:
        return apply_depth(book, quote, chain, rows)
    return False


@kernel
def is_tradeable(book: Any, quote: Any) -> bool:
    """Both sides there, not crossed or locked, and the depth (if any was ever seen) in step."""
    if quote.bid_lots <= 0 or quote.ask_lots <= 0 or quote.bid >= quote.ask:
        return False
    return bool(book.status == BOOK_SYNCED or book.status == BOOK_EMPTY)


@kernel
def walk_cost(book: Any, quote: Any, side: int, lots: int) -> int:
    """Ticks x lots of taking `lots` from book side `side` (0 bids, 1 asks), best first, ignoring our overlay.

    Where the book ends, the last known price is used for the rest: a floor of the true cost, named as such in the
    docs. Without depth the quote stands for the book. 0 if the side is empty.
    """
    cost = 0
    left = lots
    price = quote.bid if side == 0 else quote.ask
    if (quote.bid_lots if side == 0 else quote.ask_lots) <= 0:
        return 0
    if book.status == BOOK_SYNCED:
        k = book.n[side] - 1
        while k >= 0 and left > 0:
            price = book.key[side, k] if side == 0 else -book.key[side, k]
            take = book.lots[side, k]
            if take > left:
                take = left
            cost += take * price
            left -= take
            k -= 1
    return cost + left * price
