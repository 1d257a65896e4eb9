#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# inspectrum_opens.sh META RATE OTHER: inspectrum opens the samples beside a SigMF META and shows them at RATE: its
# controls look as they do for the same bytes without META and told RATE, and not as when told OTHER. Exit code 77:
# a program is missing.
set -eu
if [ "${4:-}" != inside ]; then
    for program in inspectrum xvfb-run xwininfo import convert compare; do
        command -v $program >/dev/null || { echo "no $program: inspectrum, xvfb, x11-utils and imagemagick are needed"; exit 77; }
    done
    exec xvfb-run -a -s "-screen 0 1300x1100x24" "$0" "$1" "$2" "$3" inside
fi
data=${1%meta}data
place=$(mktemp -d)
started=
trap 'kill $started 2>/dev/null || true; rm -rf "$place"' EXIT
export XDG_RUNTIME_DIR="$place" XDG_CONFIG_HOME="$place" QT_QPA_PLATFORM=xcb
head -c 4000000 "$data" >"$place/bare.cs16"
inspectrum -geometry 600x500+0+0 "$data" 2>"$place/log" &
started=$!
inspectrum -geometry 600x500+650+0 -f cs16 -r "$2" "$place/bare.cs16" 2>/dev/null &
started="$started $!"
inspectrum -geometry 600x500+0+550 -f cs16 -r "$3" "$place/bare.cs16" 2>/dev/null &
started="$started $!"
differ() # A B: pixels
{
    compare -metric AE "$place/$1.png" "$place/$2.png" null: 2>&1 || true
}
i=0
while [ $i -lt 60 ]; do # until all three are drawn
    sleep 0.3
    i=$((i + 1))
    [ "$(xwininfo -root -tree | grep -c '"inspectrum: ')" = 3 ] || continue
    import -window root "$place/all.png"
    convert "$place/all.png" -crop 300x90+0+0 +repage "$place/ours.png" # the top of its controls: the rate
    convert "$place/all.png" -crop 300x90+650+0 +repage "$place/told.png"
    convert "$place/all.png" -crop 300x90+0+550 +repage "$place/other.png"
    if [ "$(differ ours told)" = 0 ] && [ "$(differ ours other)" != 0 ]; then
        xwininfo -root -tree | grep -qF "inspectrum: ${data##*/}" && exit 0
    fi
done
echo "inspectrum does not show $data at $2: $(cat "$place/log")"
if [ -n "${KEEP_PICTURE:-}" ]; then cp "$place/all.png" "$KEEP_PICTURE"; fi
exit 1
