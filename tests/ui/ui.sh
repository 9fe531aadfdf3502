#!/bin/sh
# ui.sh QUORATE FOLDER: what the page's test needs (a browser from the system, its driver from npm, into the ignored FOLDER), then the test.
set -eu
for tool in node npm; do
    command -v $tool >/dev/null || { echo "make ui needs $tool: apt-get install nodejs npm" >&2; exit 1; }
done
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
[ -n "$CHROMIUM" ] || { echo "make ui needs a Chromium: apt-get install chromium, or CHROMIUM=path" >&2; exit 1; }
export CHROMIUM
mkdir -p "$2"
[ -d "$2/node_modules/playwright-core" ] || (cd "$2" && npm install --silent --no-audit --no-fund --prefix . playwright-core)
exec node "$(dirname "$0")/ui.js" "$1" "$2"
