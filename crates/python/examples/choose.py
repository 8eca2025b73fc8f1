"""Prints the best TURN server below some roots, what came next, and what a browser is given:
`python choose.py root.example https://root.example`."""

from __future__ import annotations

import json
import sys

import turn_balance


def main(roots: list[str]) -> int:
    try:
        found = turn_balance.select(roots, timeout=5, urls=True)
    except turn_balance.NotFoundError as error:
        print(f"no TURN server ({error.kind}): {error}", file=sys.stderr)
        return 1
    except turn_balance.TurnBalanceError as error:
        print(f"cannot ask: {error}", file=sys.stderr)
        return 2
    print(f"{found.turn} at {found.rtt_ms} ms, by {found.transport}")
    for other in found.runners_up:
        print(f"then {other.turn} at {other.rtt_ms} ms")
    print(json.dumps({"iceServers": found.ice_servers()}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
