#!/bin/sh
# Breaks the code in one known-dangerous place after another, in a private copy, and looks which test notices.
#   run.sh SOURCES COPY CC [WORD]      all mutants of list.txt, or those whose name, file or killers contain WORD
# Exit 0: all were killed by the suites that the list names. 1: one survived, does not build, or its text is not (or not just once) there.
sources=$1 copy=$2 cc=$3 only=$4
list=$sources/tests/mutants/list.txt
rooms="crypto tendermint ledger mempool genesis rpc node"
limit=${MUTANT_SECONDS:-180}
out=build/$(basename "$cc")

# Times are kept, so that only what changed is built anew. A copy whose last run was broken off may hold a mutant's object.
refresh() {
    mkdir -p "$copy/tests/fuzz" "$copy/build" || exit 1
    if [ ! -d "$copy/$out" ] && [ -d "$sources/$out" ]; then
        for room in $rooms tests; do
            mkdir -p "$copy/$out" && cp -Rp "$sources/$out/$room" "$copy/$out/" 2>/dev/null
        done
    fi
    for room in $rooms; do
        rm -rf "${copy:?}/$room" "$copy/tests/$room"
        cp -Rp "$sources/$room" "$copy/" && cp -Rp "$sources/tests/$room" "$copy/tests/" || exit 1
    done
    rm -rf "$copy/tests/sim"
    cp -p "$sources/Makefile" "$copy/" && cp -p "$sources/tests/main.sh" "$sources"/tests/*.[ch] "$copy/tests/" && cp -p "$sources/tests/fuzz/fuzz.mk" "$copy/tests/fuzz/" || exit 1
    [ ! -d "$sources/tests/sim" ] || cp -Rp "$sources/tests/sim" "$copy/tests/"
    if [ -f "$copy/mutated" ]; then forget "$(cat "$copy/mutated")"; fi
}

# A mutant's object, and what was linked with it: an object that is missing alone does not make make link anew.
forget() { rm -f "$copy/$out/$1" "$copy/$out"/test_* "$copy/mutated"; }

build() { # test programs of these rooms; a mutant may leave something unused
    for room; do set -- "$@" "$out/test_$room"; shift; done
    (cd "$copy" && nice -n 5 make --no-print-directory -j2 CC="$cc" EXTRA_CFLAGS=-Wno-error "$@") >"$copy/build.log" 2>&1
}

# The suite of a room, within the time limit: 0 passes, else what went wrong is in `said`.
run_suite() {
    (cd "$copy" && env $with CK_RUN_SUITE="${1#*/}" nice -n 5 timeout -k 5 "$limit" "$out/test_${1%/*}") >"$copy/run.log" 2>&1
    status=$?
    [ $status -ne 0 ] || return 0
    said=$(sed -n 's/^[^ ]*:[0-9]*:[FE]:[^:]*:\([^:]*\):.*/\1/p' "$copy/run.log" | head -n 1)
    others=$(grep -c '^[^ ]*:[0-9]*:[FE]:' "$copy/run.log")
    [ "$others" -lt 2 ] || said="$said (and $((others - 1)) more)"
    [ $status -ne 124 ] && [ $status -ne 137 ] || said="the time limit of $limit s"
    [ -n "$said" ] || said="an exit with $status"
    return 1
}

# Whatever a mutant breaks must be whole without it.
check_whole() {
    suites=$(awk -v only="$only" "$select"' chosen { for (i = 3; i <= NF; i++) print $i }' "$list" | sort -u)
    build $(printf '%s\n' $suites | sed 's,/.*,,' | sort -u) || { tail -n 20 "$copy/build.log"; echo "mutants: the tree does not build"; exit 1; }
    with=
    for suite in $suites; do
        run_suite "$suite" || { grep '^[^ ]*:[0-9]*:[FE]:' "$copy/run.log"; echo "mutants: $suite fails without any mutant: $said"; exit 1; }
        grep -q ' Checks: 0,' "$copy/run.log" || grep -q '^0%: Checks: 0' "$copy/run.log" || continue
        echo "mutants: there is no suite $suite"
        exit 1
    done
}

# Replaces `old` by `new` in a file, if it is there exactly once. Both may have several lines.
mutate() {
    awk 'BEGIN { old = ENVIRON["old"]; new = ENVIRON["new"] }
         { text = text $0 "\n" }
         END {
             at = index(text, old)
             if (at == 0) exit 2
             rest = substr(text, at + length(old))
             if (index(rest, old) > 0) exit 3
             printf "%s%s%s", substr(text, 1, at - 1), new, rest
         }' "$copy/$file" >"$copy/mutant.c"
}

try() { # one mutant; prints its row
    total=$((total + 1))
    mutate
    case $? in
    0) ;;
    2) row "ITS TEXT IS NOT THERE"; bad=$((bad + 1)); return ;;
    3) row "ITS TEXT IS THERE TWICE"; bad=$((bad + 1)); return ;;
    *) row "UNREADABLE"; bad=$((bad + 1)); return ;;
    esac
    echo "${file%.c}.o" >"$copy/mutated"
    cp -p "$copy/$file" "$copy/original.c"
    cp "$copy/mutant.c" "$copy/$file"
    if ! build $(printf '%s\n' $killers | sed 's,/.*,,' | sort -u); then
        row "DOES NOT BUILD"
        grep -m 3 'error' "$copy/build.log"
        bad=$((bad + 1))
    else
        for suite in $killers; do
            if run_suite "$suite"; then
                row "SURVIVED $suite"
                survivors=$((survivors + 1))
            else
                row "killed by $suite: $said"
            fi
        done
    fi
    cp -p "$copy/original.c" "$copy/$file"
    forget "${file%.c}.o"
}

row() { printf '%-34s %s\n' "$name" "$1"; }

# A chosen mutant: its name, file or killers contain the word.
select='/^name: / { name = $0 } /^file: / { where = $0 }
    { chosen = /^killed by: / && (only == "" || index(name where $0, only) > 0) }'

refresh
check_whole
total=0 bad=0 survivors=0 name=
nl='
'
finish() {
    [ -n "$name" ] || return 0
    case "$name $file $killers" in *"$only"*) try ;; esac
    name=
}
while IFS= read -r line <&3; do
    case $line in
    "name: "*) name=${line#name: } file= old= new= has_old= has_new= with= killers= ;;
    "file: "*) file=${line#file: } ;;
    "old: "*) old=$old${has_old:+$nl}${line#old: } has_old=1 ;;
    "new: "*) new=$new${has_new:+$nl}${line#new: } has_new=1 ;;
    "new:") new=$new${has_new:+$nl} has_new=1 ;;
    "with: "*) with=${line#with: } ;;
    "killed by: "*) killers=${line#killed by: } ;;
    "breaks: "* | "#"*) ;;
    "") export old new; finish ;;
    *) echo "mutants: not understood: $line"; exit 1 ;;
    esac
done 3<"$list"
export old new
finish
echo "$total mutants, $survivors survived, $bad could not be tried"
[ $((survivors + bad)) -eq 0 ]
