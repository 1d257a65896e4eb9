#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Every preset passes --check-config once the site permits to transmit, and is refused without. Every
# scene is named where one may be chosen.
# usage: test_presets.sh BIN CONFIG
set -eu
bin=$1
export MIRADOR_DATA="$2"
n=0
for file in "$2"/bs-*.yaml; do
    name=$(basename "$file" .yaml)
    name=${name#bs-}
    for program in miradord mirador-ue; do
        "$bin/$program" --config "$name" --set radio.tx_enable=yes --check-config
        n=$((n + 1))
    done
    case $name in lab | paper) continue ;; esac # of the simulated room
    for program in miradord mirador-ue; do
        if said=$("$bin/$program" --config "$name" --check-config 2>&1); then
            echo "$program $name: would transmit without leave" >&2
            exit 1
        fi
        case $said in
        *tx_enable*) ;;
        *) echo "$program $name: $said" >&2; exit 1 ;;
        esac
    done
done
[ "$n" -ge 12 ] || { echo "only $n presets found" >&2; exit 1; }

for program in "mirador demo" mirador-room; do
    # shellcheck disable=SC2086
    words=$("$bin"/$program --help | tr -s ', \n' ' ')
    for file in "$2"/scenes/*.yaml; do
        name=$(basename "$file" .yaml)
        case " $words " in
        *" $name "*) ;;
        *) echo "$program --help does not name scene $name" >&2; exit 1 ;;
        esac
    done
done
