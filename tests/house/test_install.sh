#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What is installed is whole and runs from there: test_install.sh BUILD PREFIX LIBDIR
# Programs, presets, the live page, units and the module of the room; the installed programs find each other
# and the module, and a short demo finds its user.
set -eu
build=$1
prefix=$2
lib=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
DESTDIR=$scratch/root cmake --install "$build" >"$scratch/log" 2>&1 || { tail "$scratch/log"; exit 1; }
root=$scratch/root$prefix

for f in bin/mirador bin/miradord bin/mirador-ue bin/mirador-ris bin/mirador-room bin/mirador-view bin/mirador-sweep \
    bin/mirador-recording "$lib/uhd/modules/mirador_room_uhd.so" share/mirador/config/bs-lab.yaml \
    share/mirador/config/scenes/lab.yaml share/mirador/www/index.html lib/systemd/system/miradord.service \
    lib/sysusers.d/mirador.conf; do
    [ -s "$root/$f" ] || { echo "not installed: $f"; exit 1; }
done
grep -q "^ExecStart=$prefix/bin/miradord " "$root/lib/systemd/system/miradord.service"

# Only what was installed: no UHD_MODULE_PATH, our data from there.
unset UHD_MODULE_PATH
export MIRADOR_DATA="$root/share/mirador/config"
"$root/bin/miradord" --config lab --check-config
"$root/bin/mirador" sweep --help >/dev/null
"$root/bin/mirador" demo --speed 0 --seconds 6 --json >"$scratch/demo" 2>"$scratch/err" || {
    tail "$scratch/err"
    exit 1
}
fixes=$(grep -c '"position_m"' "$scratch/demo")
[ "$fixes" -ge 5 ] || { echo "the installed demo found $fixes positions"; exit 1; }
