#!/usr/bin/env bash
# Two workers on this machine: bash docs/cluster/tf_config.sh DATA RUN [further options of 'covid3dgan train gan']
set -euo pipefail
data=$1 run=$2
shift 2
workers='"localhost:12345", "localhost:12346"'
for index in 0 1; do
    TF_CONFIG="{\"cluster\": {\"worker\": [$workers]}, \"task\": {\"type\": \"worker\", \"index\": $index}}" \
        covid3dgan train gan "$data" "$run" --strategy multi_worker "$@" &
done
status=0
for job in $(jobs -p); do
    wait "$job" || status=$?
done
exit "$status"
