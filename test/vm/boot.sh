#!/usr/bin/env bash
# Boots a guest with systemd and cgroup version 2 under QEMU, gives it a copy of a folder as /stint, and runs
# /stint/.vm/command there as root.
#
#   boot.sh FOLDER COMMAND_FILE OUT      what the command writes below /stint/.vm/out comes to OUT
#
# Prints what the command prints, and exits with its code. No network, nothing kept. The guest's image is built once, in
# $STINT_VM or ~/.cache/stint/vm. STINT_VM_LIMIT_S (3600): the longest that a guest may run.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
folder=$1 command=$2 out=$3
state=${STINT_VM:-${XDG_CACHE_HOME:-$HOME/.cache}/stint/vm}
PATH=$PATH:/usr/sbin
mkdir -p "$state"
[[ $(cat "$state/recipe" 2>/dev/null) == "$(sha256sum < "$here/build-guest.sh" | cut -c1-12)" ]] ||
  "$here/build-guest.sh" "$state" >&2

run=$(mktemp -d "$state/run.XXXX")
trap 'rm -rf "$run"' EXIT
truncate -s 2G "$run/stint.img"
mke2fs -q -t ext4 -d "$folder" "$run/stint.img"
debugfs -w -f - "$run/stint.img" >/dev/null 2>&1 <<< "mkdir .vm
mkdir .vm/out
write $command .vm/command"
accel=(-accel tcg,thread=multi -cpu max)
# The device does not tell: where the machine is itself virtual, it may boot no kernel of Debian's.
[[ ${STINT_VM_ACCEL:-} != tcg && -w /dev/kvm ]] && grep -qwE 'vmx|svm' /proc/cpuinfo && accel=(-accel kvm -cpu host)
timeout "${STINT_VM_LIMIT_S:-3600}" qemu-system-x86_64 "${accel[@]}" -smp 2 -m 4096 -nodefaults -display none -no-reboot \
  -kernel "$state/vmlinuz" -initrd "$state/initrd" \
  -append "root=/dev/vda rw console=ttyS0 loglevel=4 systemd.show_status=no panic=-1" \
  -drive file="$state/root.img,if=virtio,format=raw,snapshot=on" \
  -drive file="$run/stint.img,if=virtio,format=raw,cache=unsafe" \
  -device virtio-serial -chardev file,id=out,path=/dev/stdout -device virtserialport,chardev=out,name=out \
  -serial file:"$state/console.log" </dev/null | cat || echo "boot.sh: qemu ended with $?; see $state/console.log" >&2
debugfs -R "rdump .vm $run" "$run/stint.img" >/dev/null 2>&1
mkdir -p "$out"
cp -r "$run/.vm/out/." "$out/"
[[ -s $run/.vm/code ]] || { echo "boot.sh: the guest gave no exit code; see $state/console.log" >&2; exit 125; }
exit "$(< "$run/.vm/code")"
