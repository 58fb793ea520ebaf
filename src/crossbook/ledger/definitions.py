"""What each figure means, in a sentence. A name is looked up by its longest known beginning."""

from __future__ import annotations

from functools import cache

DEFINITIONS = {
    "nav": "All cash at the marks of now, plus what closing every open contract at the middle would add",
    "nav.start": "Net asset value when the window began: every mark that was needed had been seen once",
    "nav.flows": "Money that came from (+) or went (-) outside during the window, each at the mark of its time",
    "pnl.total": "Net asset value now, less at the start, less flows; per strategy the part its own fills caused",
    "pnl.total.inventory": "What opening balances and transfers earned by the change of their marks",
    "pnl.total.unattributed": "What no strategy caused: foreign trades, rests of funding payments",
    "pnl.unattributed": "What no strategy caused: foreign trades, rests of funding payments",
    "pnl.realised": "What closing positions brought at average cost, before fees, at the marks of its time",
    "pnl.unrealised": "P&L that is neither realised, fee nor funding: open positions, coin held, revaluation since",
    "pnl.fees": "Fees as P&L (a cost is negative), each at the mark of its time",
    "pnl.funding": "Funding received (+) or paid (-), each at the mark of its time",
    "pnl.venue": "P&L of what lies at one venue, its flows taken out",
    "pnl.instrument": "P&L of all fills, fees and funding of one instrument and its open position",
    "pnl.day": "P&L of one UTC day",
    "pnl.cause.edge": "Signed notional of the filled lots at the VWAP of our book when they were decided",
    "pnl.cause.latency": "Signed notional of the filled lots: on our book at arrival, less at decision",
    "pnl.cause.slippage": "Signed notional of the filled lots: as filled, less on our book at arrival",
    "pnl.cause.fees": "Fees as P&L, strategies and unattributed",
    "pnl.cause.funding": "Funding as P&L, strategies and unattributed",
    "pnl.cause.mark": "Open lots at the middle of now, and revaluation of coin and of amounts in other assets",
    "pnl.cause.rounding": "What rounding the coin of inverse fills to 1e-8 (half-even) added",
    "fees.paid": "Fees that were a cost, each at the mark of its time",
    "fees.rebate": "Fees that we received, each at the mark of its time",
    "round_trips": "Times a strategy's pair went from flat on both legs to flat on both legs",
    "round_trips.open": "Round trips under way",
    "wins": "Closed round trips with a net gain after fees and funding",
    "losses": "Closed round trips with a net loss after fees and funding",
    "win_rate": "Wins / closed round trips, pooled over strategies; one that broke even is neither win nor loss",
    "win_rate.low": "Lower end of the 95 % interval of the win rate (Wilson)",
    "win_rate.high": "Upper end of the 95 % interval of the win rate (Wilson)",
    "sharpe": "Mean / standard deviation (ddof 1) of daily NAV returns net of flows, x sqrt 365, risk-free 0; "
    "whole UTC days, n/a below 30",
    "sharpe.low": "Lower end of the 95 % interval of the Sharpe ratio",
    "sharpe.high": "Upper end of the 95 % interval of the Sharpe ratio",
    "drawdown.max": "Deepest fall of NAV below its running peak, as a part of that peak, flows neutralised",
    "drawdown.max_amount": "Deepest fall of the P&L path below its running peak",
    "exposure.gross": "Sum of |lots| of every strategy's position at the middle; opening coin is not a position",
    "exposure.net": "Sum of signed lots of every strategy's position at the middle",
    "exposure.venue": "Gross exposure at one venue",
    "fill_rate.quantity": "Filled / submitted lots, weighted by limit price x factor, quote assets at the marks of now",
    "fill_rate.orders": "Orders with a fill / orders",
    "orders": "Orders sent",
    "fills": "Fills of our orders, each venue trade once",
    "intents": "Decisions to trade that passed the gate",
    "denials": "Times the gate said no",
    "denials.reason": "Times the gate said no for one reason",
    "denial_rate": "Denials / (denials + intents)",
    "error_rate": "Orders that were rejected or became unknown / orders",
    "unhedged.quantity_time": "Difference between the legs of pairs, absolute, times how long it lasted",
    "unhedged.time_max": "Longest time that a pair was unhedged",
    "delay.decision_to_match": "From the order leaving the core to its match at the venue, by the journal's stamps",
    "delay.match_to_known": "From the match at the venue to our knowing it, by the stamps of the journal",
    "delay.clock_suspect": "Fills whose stamps run backwards; they are left out of the delays",
    "latency": "From the hop before to this hop inside our process, by monotonic stamps",
    "latency.tick_to_wire": "From the frame's receipt to the order's last byte written, by monotonic stamps",
    "breaks": "Venue reports (or repeated events) that differ from the ledger",
    "events.duplicate": "Venue events that reached us again and were not booked again",
    "assets.unpriced": "Assets held that nothing prices: they are in no value",
    "postings": "Venue events booked; the residual counts those whose legs do not sum to zero",
    "marks.unexplained": "Marks in the journal that the tape does not show",
}


@cache
def definition_of(name: str) -> str:
    """The sentence for a figure's name: its longest beginning, in whole words, that has one."""
    words = name.split(".")
    for count in range(len(words), 0, -1):
        found = DEFINITIONS.get(".".join(words[:count]))
        if found is not None:
            return found
    raise KeyError(name)
