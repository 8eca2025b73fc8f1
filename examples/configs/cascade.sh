#!/bin/sh
# Runs the cascade of this folder as separate processes: root.toml, region*.toml and leaf*.toml,
# one `tb serve` each, all on loopback. Traces and probes it, then stops everything. Ends with
# the probe's exit code, or 2 where a server did not start.
#
#   examples/configs/cascade.sh                        # with the `tb` that is installed
#   TB=target/release/tb examples/configs/cascade.sh   # with another
#
# No TURN server is started. The leaves are told not to mind, and `tb probe` goes by their answers.

set -u

tb=${TB:-tb}
here=$(cd "$(dirname "$0")" && pwd) || exit 2
pids=

# The environment must not change what the files say.
unset TB_BIND TB_CONFIG TB_VERBOSE TB_QUIET TB_NAME TB_ADVERTISE TB_TURN_BIND

fail() {
    echo "cascade.sh: $1" >&2
    exit 2
}

# Stops all servers. One stops within a second of SIGINT; after five there is no waiting.
# shellcheck disable=SC2086 # one word a process
stop() {
    trap - EXIT
    [ -n "$pids" ] || return 0
    (sleep 5 && kill -KILL $pids) </dev/null >/dev/null 2>&1 &
    guard=$!
    trap '' HUP INT TERM
    kill -INT $pids 2>/dev/null
    wait $pids 2>/dev/null
    kill "$guard" 2>/dev/null
    pids=
}

trap stop EXIT
trap 'stop; exit 129' HUP
trap 'stop; exit 130' INT
trap 'stop; exit 143' TERM

command -v "$tb" >/dev/null 2>&1 || fail "no \`$tb\`: \`cargo build --release --package turn-balance\`, then TB=target/release/tb"
root=$(sed -n 's/^ *bind *= *"\([^"]*\)".*/\1/p' "$here/root.toml" | head -n 1)
[ -n "$root" ] || fail "root.toml has no bind address"

# The leaves first, so that whoever checks them finds them.
for file in "$here"/leaf*.toml "$here"/region*.toml "$here"/root.toml; do
    [ -f "$file" ] || fail "no file ${file##*/}"
    "$tb" serve -c "$file" --log-level error &
    pids="$pids $!"
done

# The first leaf answers as soon as every level has checked the one below.
tries=0
until "$tb" probe -qq --timeout 1 "$root"; do
    tries=$((tries + 1))
    [ "$tries" -lt 15 ] || fail "the cascade did not come up"
    for pid in $pids; do
        kill -0 "$pid" 2>/dev/null || fail "a server stopped"
    done
    sleep 1
done
sleep 1 # the other leaves

echo "\$ tb trace $root"
"$tb" trace --timeout 5 "$root"
echo
echo "\$ tb probe $root"
"$tb" probe --timeout 5 "$root"
status=$?

stop
exit "$status"
