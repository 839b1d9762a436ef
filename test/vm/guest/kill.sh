# Kills a run in its second trial, the supervisor with it where the first word is "both", and resumes it.
$STINT run test/vm/guest/where.yaml --out $OUT --quiet --runs 3 --set max_memory_mb=64 --set params.work_ms=1500 &
coordinator=$!
until [[ $(cat $OUT/where/2*/trials.jsonl 2>/dev/null | wc -l) -ge 1 ]]; do kill -0 $coordinator || exit 9; sleep 1; done
sleep 3
supervisor=$(pgrep -f workers/supervisor.js -P $coordinator)
kill -9 $coordinator $([[ $1 == both ]] && echo $supervisor)
wait $coordinator
# A trial process sees the end of its coordinator and leaves; the supervisor ends one that does not.
for _ in $(seq 60); do pgrep -f workers/supervisor.js >/dev/null || break; sleep 1; done
echo "left: $(find /sys/fs/cgroup -name 'stint-*' | wc -l) groups"
$STINT resume $OUT/where/2* --quiet
