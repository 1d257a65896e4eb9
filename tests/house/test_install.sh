#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The Debian package is whole and what is in it runs from where it lies: test_install.sh BUILD PREFIX LIBDIR CONFIG
# Without dpkg the same is asked of `cmake --install`.
set -eu
build=$1
prefix=$2
lib=$3
presets=$4
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM
fail()
{
    echo "$*"
    exit 1
}

if command -v dpkg-shlibdeps >/dev/null && command -v fakeroot >/dev/null; then
    (cd "$build" && cpack -G DEB -B "$scratch/deb") >"$scratch/log" 2>&1 || { tail "$scratch/log"; exit 1; }
    deb=$(ls "$scratch"/deb/mirador_*.deb)
    dpkg-deb -x "$deb" "$scratch/root"
    dpkg-deb -e "$deb" "$scratch/control"
    for dependency in systemd libuhd libzmq libfftw3 libyaml; do
        grep -q "^Depends:.*$dependency" "$scratch/control/control" || fail "does not depend on $dependency"
    done
    while read -r file; do
        [ -s "$scratch/root$file" ] || fail "no conffile $file"
    done <"$scratch/control/conffiles"
    [ "$(wc -l <"$scratch/control/conffiles")" = "$(find "$scratch/root/etc" -type f | wc -l)" ] || fail "a file of /etc is no conffile"
    for hook in preinst postinst prerm postrm; do
        [ -x "$scratch/control/$hook" ] && sh -n "$scratch/control/$hook" || fail "$hook"
    done
    sh "$scratch/control/preinst" install
    if [ "$prefix" = /usr ] && command -v lintian >/dev/null; then # of /usr/local it says an error for each file
        lintian --fail-on error --allow-root "$deb" || fail "lintian"
    fi
else
    DESTDIR=$scratch/root cmake --install "$build" >"$scratch/log" 2>&1 || { tail "$scratch/log"; exit 1; }
fi
root=$scratch/root$prefix

for f in bin/mirador bin/miradord bin/mirador-ue bin/mirador-ris bin/mirador-room bin/mirador-view bin/mirador-sweep \
    bin/mirador-recording bin/mirador-schedule bin/mirador-doctor "$lib/uhd/modules/mirador_room_uhd.so" share/mirador/config/bs-lab.yaml \
    share/mirador/config/scenes/lab.yaml share/mirador/www/index.html lib/systemd/system/miradord.service \
    lib/sysusers.d/mirador.conf share/man/man1/mirador.1.gz share/man/man1/mirador-record.1.gz \
    share/man/man8/miradord.8.gz share/bash-completion/completions/mirador share/doc/mirador/copyright; do
    [ -s "$root/$f" ] || fail "not installed: $f"
done
grep -q "^ExecStart=$prefix/bin/miradord " "$root/lib/systemd/system/miradord.service"

# An installation over a site's own configuration leaves it alone.
mkdir -p "$scratch/again/etc/mirador"
echo mine >"$scratch/again/etc/mirador/bs.yaml"
(cd "$build" && DESTDIR=$scratch/again cmake -DCMAKE_INSTALL_COMPONENT=Unspecified -P packaging/cmake_install.cmake) >"$scratch/log" 2>&1
[ "$(cat "$scratch/again/etc/mirador/bs.yaml")" = mine ] || fail "a site's configuration was overwritten"
[ -s "$scratch/again/etc/mirador/ris.yaml" ] || fail "no ris.yaml"

# Pages: every subcommand has one, every option of the help is on it, and troff has nothing to say against it.
"$root/bin/mirador" --help | sed -nE 's/^  ([a-z]+) .*/\1/p' >"$scratch/subcommands"
[ "$(wc -l <"$scratch/subcommands")" -ge 12 ] || fail "the help lists too little"
while read -r sub; do
    page=$root/share/man/man1/mirador-$sub.1.gz
    [ -s "$page" ] || fail "no page of mirador $sub"
    gzip -dc "$page" | sed 's/\\-/-/g' >"$scratch/page"
    for option in $("$root/bin/mirador" "$sub" --help | grep -oE '^ +(-., )?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
        grep -q -- "$option" "$scratch/page" || fail "mirador-$sub(1) lacks $option"
    done
done <"$scratch/subcommands"
if command -v groff >/dev/null; then
    for page in "$root"/share/man/man?/*.gz; do
        gzip -dc "$page" | groff -Kutf8 -man -Tutf8 -ww -z 2>&1 | sed "s|^|$page: |"
    done >"$scratch/troff"
    [ ! -s "$scratch/troff" ] || fail "$(head -5 "$scratch/troff")"
fi

# Completion, as bash asks for it.
cat >"$scratch/complete.bash" <<'END'
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_mirador
echo "${COMPREPLY[@]}"
END
completes() # WANTED WORD...
{
    wanted=$1
    shift
    got=$(bash "$scratch/complete.bash" "$root/share/bash-completion/completions/mirador" "$@")
    [ "$got" = "$wanted" ] || fail "'$*' completes to '$got', not '$wanted'"
}
completes record mirador rec
completes "cut" mirador record cu
completes --repair mirador record check --rep
completes "native qemu" mirador demo --boards ""
completes "--check-config" miradord --set a=b --check
completes "" mirador record check some

# Only what was installed: no UHD_MODULE_PATH, our data from there.
unset UHD_MODULE_PATH
export MIRADOR_DATA="$root/share/mirador/config"
"$root/bin/miradord" --config lab --check-config
for service in bs:miradord ue:mirador-ue; do
    file=$presets/${service%%:*}.yaml
    program=$root/bin/${service#*:}
    if "$program" --config "$file" --check-config 2>"$scratch/err"; then
        fail "$file may transmit though nobody said so"
    fi
    grep -q tx_enable "$scratch/err" || fail "$(cat "$scratch/err")"
    "$program" --config "$file" --set radio.tx_enable=yes --check-config
done
"$root/bin/mirador-ris" --config "$presets/ris.yaml" --check-config
"$root/bin/mirador" sweep --help >/dev/null
"$root/bin/mirador" doctor --help >/dev/null
TMPDIR=$scratch XDG_RUNTIME_DIR= "$root/bin/mirador" demo --speed 0 --seconds 6 --json >"$scratch/demo" 2>"$scratch/err" || {
    tail "$scratch/err"
    exit 1
}
fixes=$(grep -c '"position_m"' "$scratch/demo")
[ "$fixes" -ge 5 ] || fail "the installed demo found $fixes positions"
