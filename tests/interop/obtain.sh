#!/bin/sh
# obtain.sh VERSION FOLDER [PROGRAM …]: a real CometBFT of that version as FOLDER/bin/VERSION/cometbft, and others of its programs beside it, built by the
# ordinary `go` client from the Go module proxy. Everything it makes is below FOLDER. Exit status 0: it is there. Otherwise one line says what is missing.
set -u
version=$1
case $2 in /*) folder=$2 ;; *) folder=$PWD/$2 ;; esac
program=$folder/bin/$version/cometbft
shift 2

wanted=
for name in cometbft "$@"; do
    [ -x "$folder/bin/$version/$name" ] || wanted="$wanted $name"
done
[ -z "$wanted" ] && exit 0
if ! command -v go >/dev/null 2>&1; then
    echo "!! NO GO HERE: CometBFT $version cannot be built, so nothing is compared with it. Install Go (https://go.dev/dl), or put the program at $program" >&2
    exit 1
fi
mkdir -p "$folder/bin/$version" || exit 1
echo "obtaining CometBFT $version with $(go version | cut -d' ' -f3) (minutes, once) ..."
log=$folder/bin/$version/build.log
for name in $wanted; do
    if ! GOPATH=$folder/go GOBIN=$folder/bin/$version GOFLAGS="${GOFLAGS:-} -modcacherw" CGO_ENABLED=0 \
        go install -p 2 "github.com/cometbft/cometbft/cmd/$name@v$version" >"$log" 2>&1; then
        echo "!! $name of CometBFT $version does not build here, so nothing is compared with it: $(tail -n 1 "$log") (all of it: $log)" >&2
    fi
done
[ -x "$program" ]
