#!/usr/bin/env bash
# Builds the guest of `npm run test:vm` in the folder named: Debian 12 with systemd and cgroup v2, this machine's Node,
# and a user `dev`. Takes some minutes, once. Needs root and Debian's mmdebstrap and e2fsprogs.
set -euo pipefail
folder=$1
root=$folder/root
PATH=$PATH:/usr/sbin

packages=systemd-sysv,dbus,dbus-user-session,libpam-systemd,udev,linux-image-cloud-amd64,initramfs-tools,zstd,procps
packages+=,libstdc++6,util-linux,util-linux-extra,python3-minimal
# Containers: Debian's own Docker, and podman without root.
packages+=,docker.io,podman,crun,uidmap
rm -rf "$root"
mmdebstrap --quiet --variant=minbase --include=$packages --format=directory bookworm "$root" \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Languages "none"' \
  --essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d" && echo MODULES=most > "$1/etc/initramfs-tools/conf.d/stint"' \
  "${STINT_VM_SOURCES:-/etc/apt/sources.list.d/debian.sources}"
cp "$(readlink -f "$(command -v node)")" "$root/usr/bin/node"
chroot "$root" node --version >/dev/null
chroot "$root" useradd -m -s /bin/bash dev
chroot "$root" passwd -q -d root
chroot "$root" passwd -q -d dev
echo guest > "$root/etc/hostname"
rm -f "$root/etc/resolv.conf"
mkdir "$root/stint"
# What only takes time in a guest that lives for some minutes.
for unit in getty.target systemd-timesyncd.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
  e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-networkd.service podman.service podman.socket \
  podman-auto-update.service podman-auto-update.timer podman-restart.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

# Started by the checks that need it. No packets: the guest has no network.
mkdir -p "$root/etc/docker"
echo '{ "bridge": "none", "iptables": false, "ip6tables": false }' > "$root/etc/docker/daemon.json"
rm -f "$root"/etc/systemd/system/multi-user.target.wants/{docker,containerd}.service
rm -f "$root/etc/systemd/system/sockets.target.wants/docker.socket"

# Runs /stint/.vm/command as root once the guest is up; its exit code goes to /stint/.vm/code.
cat > "$root/usr/sbin/stint-vm" <<'GUEST'
#!/bin/bash
if [[ -e /dev/vdb ]]; then
  mount /dev/vdb /stint
  out=/dev/virtio-ports/out
  export RESULTS=/dev/virtio-ports/results
else
  # User-mode Linux: its console is the host's standard output, and it reaches into the host's files.
  mount /dev/ubdb /stint
  results=$(sed -n 's/.*stint\.results=\(\S*\).*/\1/p' /proc/cmdline)
  mount -t hostfs none /mnt -o "$(dirname "$results")"
  mount -t hostfs none /lib/modules -o ro,/usr/lib/uml/modules
  out=/dev/tty0
  export RESULTS=/mnt/$(basename "$results")
fi
cd /stint
bash .vm/command > $out 2>&1 < /dev/null
echo $? > .vm/code
cd /
umount /stint || sync
systemctl poweroff --force
GUEST
chmod +x "$root/usr/sbin/stint-vm"
cat > "$root/etc/systemd/system/stint-vm.service" <<'UNIT'
[Unit]
After=systemd-user-sessions.service dbus.service systemd-logind.service
[Service]
Type=idle
ExecStart=/usr/sbin/stint-vm
Environment=HOME=/root
StandardError=journal+console
UNIT
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../stint-vm.service "$root/etc/systemd/system/multi-user.target.wants/"

cp "$root"/boot/vmlinuz-* "$folder/vmlinuz"
cp "$root"/boot/initrd.img-* "$folder/initrd"
rm -f "$root"/boot/{initrd,vmlinuz}*
rm -f "$folder/root.img"
truncate -s 3G "$folder/root.img"
mke2fs -q -F -t ext4 -d "$root" "$folder/root.img"
rm -rf "$root"
sha256sum < "${BASH_SOURCE[0]}" | cut -c1-12 > "$folder/recipe"
