#!/bin/sh
# Fuzzes targets for a while: run.sh MINUTES JOBS TARGET... A row for each; exit 1 if any crashed. What is found stays in build/fuzz.
# run.sh one SECONDS TARGET is a target's own run.
dir=build/fuzz

one() {
    seconds=$1 name=$2
    log=$dir/log/$name
    mkdir -p $dir/corpus/"$name" $dir/crashes $dir/log tests/fuzz/corpus/"$name"
    max=$(sed -n 's/^#define FUZZ_BYTES_MAX *//p' tests/fuzz/fuzz_"$name".c)
    $dir/fuzz_"$name" -max_total_time="$seconds" -max_len="${max:-4096}" -timeout=10 -rss_limit_mb=2048 -use_value_profile="${VALUE_PROFILE:-0}" \
        -print_final_stats=1 -artifact_prefix=$dir/crashes/"$name"- $dir/corpus/"$name" tests/fuzz/corpus/"$name" >"$log" 2>&1
    status=$?
    awk -v name="$name" -v status=$status '
        / cov: / { for (i = 1; i < NF; i++) { if ($i == "cov:") cov = $(i + 1); if ($i == "ft:") ft = $(i + 1) } if ($2 == "INITED") { cov0 = cov; ft0 = ft } }
        /^stat::number_of_executed_units/ { runs = $2 }
        /^stat::average_exec_per_sec/ { speed = $2 }
        /^stat::peak_rss_mb/ { rss = $2 }
        END { printf "%-12s %10d runs %7d/s  cov %6d (+%d)  features %6d (+%d)  %4d MB  %s\n",
              name, runs, speed, cov, cov - cov0, ft, ft - ft0, rss, status == 0 ? "ok" : "CRASH" }' "$log"
    [ $status = 0 ] && return 0
    grep -m3 -E 'Assertion|ERROR: |runtime error|SUMMARY' "$log" | sed 's/^/    /'
    file=$(sed -n 's/^artifact_prefix=.*Test unit written to //p' "$log" | tail -1)
    [ -n "$file" ] && echo "    input: $file   replay: $dir/fuzz_$name $file   (all of it: $log)"
    return 1
}

if [ "$1" = one ]; then
    one "$2" "$3"
    exit
fi
minutes=$1 jobs=$2
shift 2
seconds=$(awk -v m="$minutes" -v j="$jobs" -v n=$# 'BEGIN { if (j > n) j = n; s = int(m * 60 * j / n); print s < 1 ? 1 : s }')
echo "$# targets, ${seconds} s each, $jobs at a time"
printf '%s\n' "$@" | xargs -P "$jobs" -n 1 sh "$0" one "$seconds" && echo "make fuzz: no crash" || { echo "make fuzz: CRASHES, inputs are in $dir/crashes"; exit 1; }
