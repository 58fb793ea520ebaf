"""C27: the run is the one that was meant: same environment, account, key and build as pinned."""

from __future__ import annotations

import msgspec


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who trades where: `environment` (`live`, `testnet`), the venue's own name for the `account`, the key's
    `fingerprint` (never the key), the hash of the `build` that runs. Empty: not known."""

    environment: str
    account: str
    fingerprint: str
    build: str


def identity_reason(pinned: Identity, found: Identity) -> str:
    """Why the run may not trade, empty if all four parts are known and the same. Names the first that is not."""
    for part in Identity.__struct_fields__:
        wanted, have = getattr(pinned, part), getattr(found, part)
        if wanted == "":
            return f"{part} is not pinned; write down which one this run may use"
        if have != wanted:
            return f"{part} is {have or 'unknown'}, pinned is {wanted}; start the run that was meant, or pin anew"
    return ""
