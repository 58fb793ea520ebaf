"""`python tests/fuzz/campaign.py N [--seed S] [--processes P]`: N spoilt messages through every decoder.

Same N, seed and corpus: same messages, whatever the number of processes. Ends with status 1 if anything was found: a
crash, a message that took longer than `LIMIT_S`, a wrong accept. A decoder that hangs stops the campaign after
`HANG_S` with its stack. Each complaint shows how to make the message again.
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import Random
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from fuzz import corpus, mutations, oracles  # noqa: E402
from market_reading import TooDeep  # noqa: E402

from crossbook.types import Venue  # noqa: E402
from crossbook.venues import messages as said  # noqa: E402
from crossbook.venues.binance import decode as binance  # noqa: E402
from crossbook.venues.binance import errors as binance_errors  # noqa: E402
from crossbook.venues.hyperliquid import decode as hyperliquid  # noqa: E402
from crossbook.venues.hyperliquid import errors as hyperliquid_errors  # noqa: E402

CHUNK = 5_000
LIMIT_S = 1.0
"""Of processor time, so that a busy machine is no complaint: a hundred times what the slowest message needs."""
HANG_S = 120.0
MARKET_WEIGHT = 5
"""How much oftener than others the messages are taken that the compiled codecs read."""
KEPT = 20
VENUES = (Venue.BINANCE_SPOT, Venue.BINANCE_USDM, Venue.HYPERLIQUID)


class Found(NamedTuple):
    """What a part of a campaign came to: counts by venue, decoder and verdict, complaints, the slowest message."""

    counts: Counter[tuple[str, str, str]]
    complaints: list[str]
    slowest_s: float


class Material:
    """All that is made once: the corpus taken apart, codecs, decoders."""

    def __init__(self) -> None:
        self.seeds = [(seed, mutations.anatomy(seed.raw)) for seed in corpus.seeds()]
        market = [(seed, body) for seed, body in self.seeds if oracles.symbols_of(seed)]
        self.seeds += market * MARKET_WEIGHT
        self.codecs = {venue: oracles.Codecs(venue, self._symbols(venue)) for venue in VENUES}
        for codecs in self.codecs.values():
            oracles.kernel(codecs, b"{}")  # compiles
        self.readers: dict[Venue, Callable[[bytes], list[said.Message]]] = {
            Venue.HYPERLIQUID: lambda raw: hyperliquid.decode("auto", raw),
            Venue.BINANCE_SPOT: lambda raw: binance.decode(Venue.BINANCE_SPOT, "auto", raw),
            Venue.BINANCE_USDM: lambda raw: binance.decode(Venue.BINANCE_USDM, "auto", raw),
        }

    def _symbols(self, venue: Venue) -> list[str]:
        of_venue = (seed for seed, _ in self.seeds if seed.venue is venue)
        return sorted({symbol for seed in of_venue for symbol in oracles.symbols_of(seed)})


def run(material: Material, seed: int, first: int, count: int) -> Found:
    """Messages number `first` to `first + count` of the campaign `seed`; `first` begins a chunk."""
    found = Found(Counter(), [], 0.0)
    slowest = 0.0
    for start in range(first, first + count, CHUNK):
        random = Random(f"{seed}:{start}")
        faulthandler.dump_traceback_later(HANG_S, exit=True)
        for number in range(start, min(start + CHUNK, first + count)):
            source, body = material.seeds[int(random.random() * len(material.seeds))]
            raw = mutations.mutated(body, random)
            pick = random.random()
            began = time.thread_time()
            try:
                complaints = _through(material, source, raw, pick, found.counts)
            except TooDeep:
                complaints = []
            except Exception as error:
                complaints = [f"{type(error).__name__}: {error}"]
            took = time.thread_time() - began
            slowest = max(slowest, took)
            if took > LIMIT_S:
                complaints.append(f"took {took:.2f} s")
            if complaints and len(found.complaints) < KEPT:
                shown = raw if len(raw) < 1_000 else raw[:1_000] + b"..."
                found.complaints.extend(f"#{number} {source.venue.label} {source.name}: {one}\n    {shown!r}"
                                        for one in complaints)  # fmt: skip
    faulthandler.cancel_dump_traceback_later()
    return Found(found.counts, found.complaints, slowest)


def _through(
    material: Material, source: corpus.Seed, raw: bytes, pick: float, counts: Counter[tuple[str, str, str]]
) -> list[str]:
    """One message through its venue's decoders; now and then through another's too, which it must not upset."""
    label = source.venue.label
    verdict, complaints = oracles.kernel(material.codecs[source.venue], raw)
    counts[label, "kernel", verdict] += 1
    verdict, more = oracles.reader(source, raw, material.readers[source.venue])
    counts[label, "reader", verdict] += 1
    complaints += more
    verdict, more = oracles.answer(source, raw, pick)
    counts[label, "order answer", verdict] += 1
    complaints += more
    if pick < 0.05:
        for text in (raw[:300].decode("utf-8", "replace"), repr(raw[:100])):
            hyperliquid_errors.error_of(text)
            hyperliquid_errors.http_error(int(pick * 20_000), text)
        binance_errors.http_error(label, int(pick * 20_000), raw)
        counts[label, "error", "read"] += 1
    if 0.05 < pick < 0.1:
        other = VENUES[int(pick * 1_000) % 3]
        oracles.kernel(material.codecs[other], raw)
        _, more = oracles.reader(source, raw, material.readers[other]) if not source.owns else ("", [])
        counts[label, "other venue's", "read"] += 1
        complaints += more
    return complaints


def campaign(count: int, seed: int, processes: int) -> Found:
    """`count` messages, on as many processes."""
    if processes <= 1:
        return run(Material(), seed, 0, count)
    share = -(-count // (CHUNK * processes * 8)) * CHUNK
    parts = [(start, min(share, count - start)) for start in range(0, count, share)]
    whole = Found(Counter(), [], 0.0)
    with ProcessPoolExecutor(processes) as pool:
        for part in pool.map(_part, [seed] * len(parts), *zip(*parts, strict=True)):
            whole.counts.update(part.counts)
            whole.complaints.extend(part.complaints)
            whole = whole._replace(slowest_s=max(whole.slowest_s, part.slowest_s))
            sys.stderr.write(f"\r{sum(n for (_, what, _), n in whole.counts.items() if what == 'kernel'):,} ")
    return whole


_material: list[Material] = []


def _part(seed: int, first: int, count: int) -> Found:
    if not _material:
        _material.append(Material())
    return run(_material[0], seed, first, count)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    began = time.perf_counter()
    found = campaign(asked.count, asked.seed, asked.processes)
    took = time.perf_counter() - began
    for (venue, decoder, verdict), n in sorted(found.counts.items()):
        sys.stdout.write(f"{venue:13} {decoder:13} {verdict:12} {n:>10,}\n")
    for complaint in found.complaints[:KEPT]:
        sys.stdout.write(complaint + "\n")
    rate = asked.count / took
    sys.stdout.write(
        f"{asked.count:,} messages, seed {asked.seed}, {asked.processes} processes: {took:.1f} s, {rate:,.0f}/s, "
        f"slowest {1_000 * found.slowest_s:.1f} ms, {len(found.complaints)} complaints\n"
    )
    return 1 if found.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
