#!/bin/sh
# run.sh QUORATE FOLDER: clients that nobody here wrote, at a network of four validators. What is foreign is installed into FOLDER by the ordinary npm.
set -u
quorate=$1 folder=$2 here=$(dirname "$0")
for tool in node npm curl; do
    if ! command -v $tool >/dev/null 2>&1; then
        echo "!! NO $tool HERE: the clients cannot be tried. Install nodejs, npm and curl" >&2
        exit 1
    fi
done
mkdir -p "$folder" || exit 1
if ! cmp -s "$here/package.json" "$folder/package.json" || [ ! -d "$folder/node_modules" ]; then
    echo "installing the clients into $folder (once) ..."
    cp "$here/package.json" "$folder/package.json"
    if ! (cd "$folder" && npm install --no-audit --no-fund) >"$folder/npm.log" 2>&1; then
        rm -f "$folder/package.json"
        echo "!! npm cannot install the clients: $(tail -n 1 "$folder/npm.log") (all of it: $folder/npm.log)" >&2
        exit 1
    fi
fi
cp "$here"/*.mjs "$folder/" || exit 1 # beside their modules
exec node "$folder/main.mjs" "$quorate" "$folder"
