#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Usage: tests.sh small|rescale|refusals DIRECTORY_OF_THE_PROGRAMS
set -euo pipefail

programs=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# About 2 MB in 120 files below two folders: few words, an empty file, one without a last newline,
# bytes that are no text, a word of 200 letters, a link to a file and one that leads nowhere.
make_input() {
    mkdir -p "$work/input/deep/deeper"
    awk -v folder="$work/input" 'BEGIN {
        srand(7)
        for (file = 0; file < 120; file++) {
            path = folder (file % 2 ? "/deep/" : "/deep/deeper/") "file " file ".txt"
            lines = 100 + int(rand() * 500)
            for (line = 0; line < lines; line++) {
                text = ""
                for (word = 0; word < 7; word++) text = text "w" int(rand() * rand() * 3000) ", "
                print text > path
            }
            close(path)
        }
    }'
    : >"$work/input/empty"
    printf 'no newline at the end' >"$work/input/cut"
    printf 'caf\303\251 \000 \377word\r\n%0200d\n' 0 >"$work/input/bytes"
    ln -s ../cut "$work/input/deep/link"
    ln -s nowhere "$work/input/deep/nowhere"
    ln -s .. "$work/input/deep/loop"
}

small() {
    make_input
    for seed in 1 2; do
        "$programs/cluster_demo" --seed "$seed" --rate 400000 "$work/input" | tee "$work/$seed.txt"
        grep -q '1 file is unreadable in both' "$work/$seed.txt"
    done
}

# Five workers become eight.
rescale() {
    make_input
    "$programs/cluster_demo" --rescale --seed 1 --rate 400000 "$work/input" | tee "$work/said.txt"
    grep -q 'PLACED    8 workers count now' "$work/said.txt"
}

# The arguments after the expected text must end with status 2 and say it.
refuses() {
    local expected=$1 status=0
    shift
    "$@" >"$work/said.txt" 2>&1 </dev/null || status=$?
    if [ "$status" -ne 2 ] || ! grep -qF -- "$expected" "$work/said.txt"; then
        echo "status $status instead of 2 and '$expected': $*"
        cat "$work/said.txt"
        exit 1
    fi
}

refusals() {
    local demo=$programs/cluster_demo worker=$programs/cluster_worker
    mkdir "$work/tiny" "$work/closed"
    echo "a few words" >"$work/tiny/file"
    refuses "which directory" "$demo"
    refuses "unknown option --sede" "$demo" --sede 3 "$work/tiny"
    refuses "--nodes needs at least 3" "$demo" --nodes 2 "$work/tiny"
    refuses "needs a number" "$demo" --rate fast "$work/tiny"
    refuses "cannot list the directory $work/none" "$demo" "$work/none"
    refuses "cannot list the directory $work/tiny/file" "$demo" "$work/tiny/file"
    refuses "too little to count" "$demo" "$work/tiny"
    refuses "no certificate" "$worker" --restore "$work/tiny" --out "$work/out"
    refuses "cannot make the directory" "$worker" --name a --store "$work/tiny/file/x" "$work/tiny"
    chmod 0 "$work/closed"
    if ! ls "$work/closed" >/dev/null 2>&1; then # root may list it all the same
        refuses "cannot list the directory $work/closed: Permission denied" "$demo" "$work/closed"
    fi

    coproc holder { exec "$worker" --name holder --store "$work/holder" "$work/tiny"; }
    read -r line <&"${holder[0]}"
    port=${line#*address=*:}
    port=${port%% *}
    refuses "port $port is in use" \
        "$worker" --name late --store "$work/late" --port "$port" "$work/tiny"
    echo stop >&"${holder[1]}"
    wait "$holder_PID"
}

"$1"
