#!/bin/sh
# obtain.sh VERSION FOLDER: applications that we did not write, each by the ordinary client of where it comes from, below FOLDER: CometBFT's
# abci-cli and its end-to-end application (Go), the crate tendermint-abci (cargo), the package pyABCI (pip). What cannot be had is named in a line
# and its rows are left out; the exit status is 0.
set -u
version=$1
case $2 in /*) folder=$2 ;; *) folder=$PWD/$2 ;; esac
programs=$folder/abci/bin
mkdir -p "$programs" || exit 1

missing() {
    echo "!! $1 cannot be had here, so nothing is tried with it: $2" >&2
}

obtain_go() { # PATH NAME: what `go install` calls the program is the path's last part
    [ -x "$programs/$2" ] && return
    if ! command -v go >/dev/null 2>&1; then
        missing "$2" "no Go"
        return
    fi
    echo "obtaining $2 $version with Go (minutes, once) ..."
    if GOPATH=$folder/go GOBIN=$programs GOFLAGS="${GOFLAGS:-} -modcacherw" CGO_ENABLED=0 go install -p 2 "github.com/cometbft/cometbft/$1@v$version" >"$programs/$2.log" 2>&1; then
        [ "$2" = "$(basename "$1")" ] || mv "$programs/$(basename "$1")" "$programs/$2"
    else
        missing "$2" "$(tail -n 1 "$programs/$2.log")"
    fi
}

obtain_go abci/cmd/abci-cli abci-cli
obtain_go test/e2e/node e2e-app

if [ ! -x "$programs/kvstore-rs" ]; then
    if command -v cargo >/dev/null 2>&1; then
        echo "obtaining the crate tendermint-abci (minutes, once) ..."
        CARGO_HOME=$folder/cargo cargo install tendermint-abci --version 0.41.0 --features binary,client,kvstore-app --root "$folder/abci" >"$programs/kvstore-rs.log" 2>&1 ||
            missing kvstore-rs "$(tail -n 1 "$programs/kvstore-rs.log")"
    else
        missing kvstore-rs "no cargo"
    fi
fi

if [ ! -x "$programs/py/bin/python" ]; then
    python3 -m venv "$programs/py" >"$programs/py.log" 2>&1 && "$programs/py/bin/pip" install -q pyABCI==0.1.0 >>"$programs/py.log" 2>&1 ||
        { missing pyABCI "$(tail -n 1 "$programs/py.log")"; rm -rf "$programs/py"; }
fi
exit 0
