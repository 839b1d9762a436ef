#!/usr/bin/env bash
# Boots a guest with systemd and cgroup version 2, gives it a copy of a folder as /stint, and runs /stint/.vm/command there
# as root.
#
#   boot.sh FOLDER COMMAND_FILE RESULTS      what the command writes to $RESULTS there comes to RESULTS here at once
#
# Prints what the command prints, and exits with its code. No network, nothing kept. The guest's image is built once, in
# $STINT_VM or ~/.cache/stint/vm. STINT_VM_LIMIT_S (18000): the longest that a guest may run.
#
# STINT_VM_KIND: `kvm` where the hardware helps; `uml`, Debian's user-mode-linux, whose kernel is a program and whose
# programs run as fast as here, but on one core and without pressure (PSI); `tcg`, emulated and some 30 times slower. The
# first of them that works here where it is not given.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
folder=$1 command=$2 results=$3
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
write $command .vm/command"

kind() {
  # The device does not tell: where the machine is itself virtual, it may boot no kernel of Debian's.
  if [[ -w /dev/kvm ]] && grep -qwE 'vmx|svm' /proc/cpuinfo; then echo kvm
  elif command -v linux.uml >/dev/null; then echo uml
  else echo tcg; fi
}
words="root=ROOT rw loglevel=4 systemd.show_status=no panic=-1"
case ${STINT_VM_KIND:-$(kind)} in
  uml)
    : > "$results"
    boot=(linux.uml mem=2G "ubd0=$run/cow,$state/root.img" "ubd1=$run/stint.img" "stint.results=$(realpath "$results")"
      ${words/ROOT/\/dev\/ubda} con=null con0=null,fd:1)
    ;;
  *)
    [[ ${STINT_VM_KIND:-$(kind)} == kvm ]] && accel=(-accel kvm -cpu host) || accel=(-accel tcg,thread=multi -cpu max)
    boot=(qemu-system-x86_64 "${accel[@]}" -smp 2 -m 4096 -nodefaults -display none -no-reboot
      -kernel "$state/vmlinuz" -initrd "$state/initrd" -append "${words/ROOT/\/dev\/vda} console=ttyS0"
      -drive "file=$state/root.img,if=virtio,format=raw,snapshot=on"
      -drive "file=$run/stint.img,if=virtio,format=raw,cache=unsafe"
      -device virtio-serial -chardev file,id=out,path=/dev/stdout -device virtserialport,chardev=out,name=out
      -chardev "file,id=results,path=$results" -device virtserialport,chardev=results,name=results
      -serial "file:$state/console.log")
    ;;
esac
timeout "${STINT_VM_LIMIT_S:-18000}" "${boot[@]}" </dev/null | cat || echo "boot.sh: the guest ended with $?" >&2
debugfs -R "rdump .vm $run" "$run/stint.img" >/dev/null 2>&1
[[ -s $run/.vm/code ]] || { echo "boot.sh: the guest gave no exit code" >&2; exit 125; }
exit "$(< "$run/.vm/code")"
