# A run undisturbed, and the same run killed ten times, each time in another trial, and resumed: the coordinator, or its
# supervisor with it. Both folders are kept.
set -u
folder() { ls -d "$OUT"/killed/2*; }
lines() { cat "$OUT"/killed/2*/trials.jsonl 2>/dev/null | wc -l; }

$STINT run test/vm/guest/kills.yaml --set name=whole --out "$OUT" --quiet || exit 9
$STINT run test/vm/guest/kills.yaml --set name=killed --out "$OUT" --quiet &
coordinator=$!
for kills in $(seq 10); do
  had=$(lines)
  until [[ $(lines) -gt $had ]]; do kill -0 $coordinator || exit 8; sleep 0.2; done
  sleep "0.$((RANDOM % 10))"
  supervisor=$(pgrep -f workers/supervisor.js -P $coordinator)
  kill -9 $coordinator $([[ $((kills % 2)) == 0 ]] && echo "$supervisor")
  wait $coordinator
  # A trial process sees the end of its coordinator and leaves; the supervisor ends one that does not.
  for _ in $(seq 600); do pgrep -f workers/supervisor.js >/dev/null || break; sleep 0.2; done
  $STINT resume "$(folder)" --quiet &
  coordinator=$!
done
wait $coordinator || exit 7
echo "kills: $kills"
