# SPDX-License-Identifier: Apache-2.0
# Reads gcov files one after another; prints for each header of include/ which part of its lines ran.
$2 + 0 == 0 && $3 == "Source" { file = $4; next }
file !~ /include\/(wire|crdt|merkle|gossip|stream|testing)\// { next }
{
    count = $1
    gsub(/[ *]/, "", count)
    line = file ":" ($2 + 0)
    if (count ~ /^[0-9]/) { seen[line] = file; ran[line] = 1 }
    else if (count ~ /^[#=]/) { seen[line] = file }
}
END {
    for (line in seen) {
        all[seen[line]]++
        hit[seen[line]] += ran[line]
        total++
        reached += ran[line]
    }
    for (file in all) printf "%5.1f %%  %s\n", 100 * hit[file] / all[file], file | "sort"
    close("sort")
    if (total) printf "%5.1f %% of %d lines\n", 100 * reached / total, total
}
