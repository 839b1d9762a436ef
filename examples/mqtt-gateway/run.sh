#!/bin/sh
# Starts a broker, a run that listens and a publisher, and prints the p99 of the event latency.
set -eu
cd "$(dirname "$0")"
PATH="$PATH:/usr/sbin:/usr/local/sbin"
stint=${STINT:-npx stint}

mosquitto -c mosquitto.conf > mosquitto.log 2>&1 &
broker=$!
trap 'kill $broker 2> /dev/null || true' EXIT

$stint data nba2k --rows 20000 --seed 7 --out players.csv
$stint run gateway.yaml --out results --quiet > run.txt &
run=$!
# A topic keeps nothing: publish once somebody listens.
until grep -q gateway/players mosquitto.log; do
  # Another broker may have the port, such as the one that Debian's package starts.
  kill -0 $broker 2> /dev/null || { cat mosquitto.log >&2; kill $run; exit 1; }
  kill -0 $run
  sleep 0.1
done
$stint publish players.csv --to "$(sed -n 's/.*source: \([^,]*\),.*/\1/p' gateway.yaml)" --rate 10000
wait $run
node p99.mjs "$(tail -n 1 run.txt)"
