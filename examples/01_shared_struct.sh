#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs two processes of 01_shared_struct and checks that both print the same: 01_shared_struct.sh BINARY
set -eu
binary=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

attempt() {
    # Ports below the range that the system hands out by itself; another attempt takes others.
    port=$((20000 + ($$ * 7 + $1 * 1009) % 10000))
    "$binary" "$port" "$((port + 1))" ann >"$folder/ann" 2>"$folder/ann.err" &
    first=$!
    second_status=0
    "$binary" "$((port + 1))" "$port" bob >"$folder/bob" 2>"$folder/bob.err" || second_status=$?
    first_status=0
    wait "$first" || first_status=$?
    [ "$first_status" -eq 0 ] && [ "$second_status" -eq 0 ]
}

for number in 1 2 3; do
    if attempt "$number"; then
        cat "$folder/ann" "$folder/bob"
        cmp "$folder/ann" "$folder/bob"
        exit 0
    fi
    cat "$folder/ann.err" "$folder/bob.err" >&2
done
exit 1
