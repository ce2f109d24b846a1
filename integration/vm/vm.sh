#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# vm.sh - run commands as root in a throw-away Debian virtual machine
# (systemd, pure cgroup v2, stock Debian cloud kernel) under qemu TCG.
#
#   vm.sh build                      build the root image and take kernel out of it
#   vm.sh bake                       boot once, save the running machine (optional, makes `run` fast)
#   vm.sh run  DIR -- COMMAND...     run COMMAND in a fresh guest, cwd /mnt/work = copy of DIR;
#                                    files changed there come back into DIR; exit status = COMMAND's
#   vm.sh boot DIR -- COMMAND...     the same, always from a cold boot
#   vm.sh clean                      remove everything for this suite
#
# Environment: VM_SUITE (trixie) VM_DIR (~/.cache/tare-vm/$VM_SUITE) VM_MIRROR (as apt here) VM_EXTRA (more packages)
#   VM_SMP (2) VM_MEM (4096) VM_TIMEOUT (0 = none, seconds for the guest command)
#   VM_BACK (1: copy changed files back, 0: do not) VM_APPEND (more kernel parameters, cold boot only)
#   VM_QEMU (more qemu arguments, cold boot only)
#   VM_CPU VM_KEEP (1: keep the run folder) VM_VERBOSE (1: timings on stderr)
#   VM_SELINUX (1: at build and later: SELinux, permissive, in place of AppArmor; use another VM_DIR)
# Exit 125: the machinery failed; 124: VM_TIMEOUT passed.
set -euo pipefail

SUITE=${VM_SUITE:-trixie}
D=${VM_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/tare-vm/$SUITE}
MIRROR=${VM_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -v security | head -n 1)}
SMP=${VM_SMP:-2} MEM=${VM_MEM:-4096}
CPU=${VM_CPU:-max,la57=off}
WORK_SIZE=4G
LSM="apparmor=1 security=apparmor"
[ "${VM_SELINUX:-0}" = 0 ] || LSM="apparmor=0 security=selinux"   # image needs VM_SELINUX=1 at build too
PKGS="systemd systemd-sysv dbus dbus-user-session libpam-systemd udev kmod
  linux-image-cloud-amd64 busybox-static podman crun runc bats jq uidmap
  iproute2 nftables iptables netavark aardvark-dns passt slirp4netns fuse-overlayfs
  criu libcriu2 strace apparmor libcap2-bin procps attr acl util-linux bpftool
  selinux-utils policycoreutils libseccomp2 ${VM_EXTRA:-}"
[ "${VM_SELINUX:-0}" = 0 ] || PKGS="$PKGS selinux-policy-default"

die() { echo "vm.sh: $*" >&2; exit 125; }
now() { date +%s.%N; }
T0=$(now)
note() { [ "${VM_VERBOSE:-0}" = 0 ] || printf '[vm %7.2fs] %s\n' "$(echo "$(now) - $T0" | bc)" "$*" >&2; }

# ------------------------------------------------------------------ build
build() {
  [ "$(id -u)" = 0 ] || die "build needs root"
  mkdir -p "$D"; local R=$D/root
  [ ! -e "$R" ] || rm -rf --one-file-system "$R"
  local script=/usr/share/debootstrap/scripts/$SUITE
  [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
  note "debootstrap $SUITE"
  debootstrap --variant=minbase "$SUITE" "$R" "$MIRROR" "$script" >"$D/debootstrap.log" 2>&1 \
    || { tail "$D/debootstrap.log" >&2; die "debootstrap failed"; }
  note "packages"
  mkdir -p "$R/etc/dpkg/dpkg.cfg.d" "$R/etc/apt/apt.conf.d"
  echo force-unsafe-io >"$R/etc/dpkg/dpkg.cfg.d/unsafe"
  printf 'path-exclude=/usr/share/%s/*\n' doc man locale info help lintian >"$R/etc/dpkg/dpkg.cfg.d/nodoc"
  printf 'APT::Install-Recommends "0";\nAcquire::Languages "none";\n' >"$R/etc/apt/apt.conf.d/99vm"
  printf '#!/bin/sh\nexit 101\n' >"$R/usr/sbin/policy-rc.d"; chmod 755 "$R/usr/sbin/policy-rc.d"
  [ "$SUITE" != bookworm ] || PKGS=${PKGS/ libcriu2/}   # not there yet
  # shellcheck disable=SC2086
  unshare -m sh -c 'set -e; R=$1; shift
    mount -t proc proc "$R/proc"; mount -t sysfs -o ro sys "$R/sys"; mount --rbind /dev "$R/dev"
    cp /etc/resolv.conf "$R/etc/resolv.conf" 2>/dev/null || :
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive INITRD=No LC_ALL=C \
      chroot "$R" apt-get -y -q install "$@"' sh "$R" $PKGS >"$D/apt.log" 2>&1 \
    || { tail "$D/apt.log" >&2; die "apt failed"; }
  rm -f "$R/usr/sbin/policy-rc.d"; rm -rf "$R"/var/cache/apt/* "$R"/var/lib/apt/lists/*
  note "configure"
  configure "$R"
  if [ "${VM_SELINUX:-0}" = 1 ]; then
    note "labels"
    sed -i 's/^SELINUX=.*/SELINUX=permissive/' "$R/etc/selinux/config"
    chroot "$R" setfiles -F /etc/selinux/default/contexts/files/file_contexts / >"$D/setfiles.log" 2>&1 || note "setfiles: rc $?"
  fi
  note "image"
  rm -f "$D/root.img" "$D/live.img" "$D/state"
  truncate -s 8G "$D/root.img"
  mkfs.ext4 -q -F -L root -m 0 -O ^has_journal -E lazy_itable_init=1 -d "$R" "$D/root.img"
  note "built: $(du -h "$D/root.img" | cut -f1) image"
}

configure() {
  local R=$1 k
  k=$(ls "$R"/boot/vmlinuz-* | sort -V | tail -1); cp "$k" "$D/vmlinuz"; k=${k##*/vmlinuz-}
  # modules: decompressing xz inside TCG is slow
  find "$R/lib/modules/$k/" -name '*.ko.xz' -print0 | xargs -0r -n 64 -P "$(nproc)" xz -d
  find "$R/lib/modules/$k/" -name '*.ko.zst' -print0 | xargs -0r -n 64 zstd -q -d --rm
  chroot "$R" depmod "$k"
  # initrd: busybox, the drivers missing from the kernel, and the mount of /
  local I m n=0; I=$(mktemp -d "$D/initrd.XXXXXX"); mkdir "$I"/{bin,dev,new}
  cp "$R/bin/busybox" "$I/bin/busybox"
  for m in $(for m in virtio_pci virtio_console virtio_blk ext4; do
      chroot "$R" modprobe -S "$k" --show-depends $m; done | awk '$1=="insmod" && !s[$2]++ {print $2}'); do
    n=$((n+1)); cp "$R$m" "$I/$(printf %02d $n).ko"
  done
  cat >"$I/init" <<'E'
#!/bin/busybox sh
bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
for m in /*.ko; do $bb insmod $m; done
$bb mount -t ext4 -o rw,noatime /dev/vda /new || exec $bb sh
$bb mount --move /dev /new/dev
exec $bb switch_root /new /sbin/init
E
  chmod 755 "$I/init"
  (cd "$I" && find . | cpio -o -H newc --quiet) >"$D/initrd"; rm -rf "$I"
  echo vm >"$R/etc/hostname"; printf '127.0.0.1 localhost vm\n' >"$R/etc/hosts"
  echo 'nameserver 127.0.0.1' >"$R/etc/resolv.conf"
  printf '/dev/vda / ext4 defaults,noatime 0 0\n' >"$R/etc/fstab"
  echo 00000000000000000000000000000001 >"$R/etc/machine-id"
  chroot "$R" passwd -q -d root 2>/dev/null || :
  chroot "$R" useradd -m -u 1000 -s /bin/bash tester
  chroot "$R" sh -c 'usermod --add-subuids 100000-165535 --add-subgids 100000-165535 tester 2>/dev/null || :'
  [ "$(grep -c '^tester:' "$R/etc/subuid")" = 1 ] || { echo tester:100000:65536 >"$R/etc/subuid"; echo tester:100000:65536 >"$R/etc/subgid"; }
  mkdir -p "$R/var/lib/systemd/linger" "$R/mnt/work"; touch "$R/var/lib/systemd/linger/tester"
  # all controllers for the user manager (rootless)
  mkdir -p "$R/etc/systemd/system/user@.service.d"
  printf '[Service]\nDelegate=cpu cpuset io memory pids\n' >"$R/etc/systemd/system/user@.service.d/delegate.conf"
  mkdir -p "$R/etc/systemd/journald.conf.d"
  printf '[Journal]\nStorage=volatile\nAudit=no\n' >"$R/etc/systemd/journald.conf.d/vm.conf"
  ln -sf /lib/systemd/system/multi-user.target "$R/etc/systemd/system/default.target"
  # the hundred stock AppArmor profiles take five seconds to load; none is needed here
  find "$R/etc/apparmor.d" -maxdepth 1 -type f -delete
  # no IDE, KVM, power or input drivers: udev would load them at each boot
  printf 'blacklist %s\n' ata_piix ata_generic kvm_amd kvm_intel powernow_k8 acpi_cpufreq button evdev aesni_intel \
    ghash_clmulni_intel sha512_ssse3 sha256_ssse3 sha1_ssse3 intel_rapl_msr psmouse pcspkr i2c_piix4 floppy sg >"$R/etc/modprobe.d/vm.conf"
  local u
  for u in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
    fstrim.timer man-db.timer logrotate.timer podman-auto-update.timer podman-auto-update.service podman.socket \
    podman-restart.service podman-clean-transient.service \
    getty.target getty@tty1.service serial-getty@hvc0.service console-getty.service systemd-ask-password-wall.path \
    systemd-ask-password-console.path systemd-networkd.service networking.service \
    systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-firstboot.service \
    systemd-hwdb-update.service ldconfig.service systemd-journal-catalog-update.service systemd-update-done.service \
    systemd-remount-fs.service systemd-random-seed.service systemd-pcrmachine.service systemd-pcrphase.service \
    systemd-pcrphase-sysinit.service systemd-tpm2-setup.service systemd-tpm2-setup-early.service \
    systemd-modules-load.service modprobe@configfs.service modprobe@efi_pstore.service modprobe@drm.service \
    systemd-pstore.service systemd-rfkill.socket sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount \
    systemd-binfmt.service nftables.service selinux-autorelabel-mark.service; do
    ln -sf /dev/null "$R/etc/systemd/system/$u"
  done
  cat >"$R/etc/systemd/system/vm-agent.service" <<'E'
[Unit]
Description=runs the command that the host sends
After=multi-user.target
[Service]
Type=simple
ExecStart=/usr/local/lib/vm-agent
Environment=HOME=/root USER=root LOGNAME=root SHELL=/bin/bash TERM=dumb LANG=C.UTF-8
Environment=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
KillMode=process
TasksMax=infinity
OOMPolicy=continue
LimitNOFILE=1048576
StandardInput=null
StandardOutput=journal
[Install]
WantedBy=graphical.target
E
  mkdir -p "$R/etc/systemd/system/multi-user.target.wants"
  # started from multi-user.target's own job list, but ordered after it: systemd runs it when boot is done
  ln -sf ../vm-agent.service "$R/etc/systemd/system/multi-user.target.wants/vm-agent.service"
  sed -i 's/^After=multi-user.target$/After=basic.target dbus.service user@1000.service systemd-user-sessions.service\nDefaultDependencies=yes/' "$R/etc/systemd/system/vm-agent.service"
  cat >"$R/usr/local/lib/vm-agent" <<'E'
#!/bin/bash
# one line on port ctl: "go EPOCH BACK TIMEOUT BASE64(argv, NUL-separated)"; the answer: "rc N"
port() { echo "/dev/$(grep -lx "$1" /sys/class/virtio-ports/*/name | cut -d/ -f5)"; }
ctl=$(port ctl) out=$(port out) err=$(port err)
exec 7<>"$ctl"
echo ready >&7
read -r go epoch back limit b64 <&7
[ "$go" = go ] || exit 1
date -s "@$epoch" >/dev/null
cd /mnt/work && tar -xf /dev/vdb --numeric-owner || { echo "rc 125" >&7; exit 1; }
mapfile -d '' -t argv < <(base64 -d <<<"$b64")
touch /run/vm-stamp
mkfifo -m 666 /run/vm-out /run/vm-err
cat /run/vm-out >"$out" & o=$!
cat /run/vm-err >"$err" & e=$!
[ "$limit" = 0 ] || argv=(timeout -k 5 "$limit" "${argv[@]}")
"${argv[@]}" >/run/vm-out 2>/run/vm-err 7>&- </dev/null
rc=$?
# let the readers drain; something left in the background may hold the pipes
for ((i = 0; i < 50; i++)); do kill -0 $o 2>/dev/null || kill -0 $e 2>/dev/null || break; sleep 0.1; done
kill $o $e 2>/dev/null
if [ "$back" = 1 ]; then
  cd /mnt/work && find . -mindepth 1 -cnewer /run/vm-stamp ! -type s -print0 |
    tar -cf /dev/vdb --null -T - --no-recursion --numeric-owner 2>/dev/null
  blockdev --flushbufs /dev/vdb
fi
echo "rc $rc" >&7
sleep 1000
E
  # run a command as the ordinary user, inside its own systemd user manager
  cat >"$R/usr/local/bin/asuser" <<'E'
#!/bin/bash
# asuser COMMAND...: as tester, in a scope of its own under user@1000.service
export XDG_RUNTIME_DIR=/run/user/1000 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus
exec systemd-run -q --user -M tester@ --pipe --wait --collect --same-dir -p Delegate=yes -- "$@"
E
  chmod 755 "$R/usr/local/lib/vm-agent" "$R/usr/local/bin/asuser"
}

# ------------------------------------------------------------------ qemu
# qemu_start RUNDIR [more arguments]: starts qemu in the background, sets QPID
qemu_start() {
  local r=$1; shift
  mkfifo "$r/ctl.in" "$r/ctl.out"
  local append="console=hvc0 panic=-1 loglevel=4 mitigations=off nokaslr audit=0
    init_on_alloc=0 tsc=reliable no_timer_check nowatchdog rcupdate.rcu_expedited=1 random.trust_cpu=on
    cryptomgr.notests 8250.nr_uarts=0 net.ifnames=0 $LSM
    systemd.unified_cgroup_hierarchy=1 systemd.show_status=no systemd.log_level=warning ${VM_APPEND:-}"
  qemu-system-x86_64 -name "vm-$SUITE" -M pc,usb=off,vmport=off,hpet=off -nodefaults -no-user-config -display none -no-reboot \
    -accel tcg,thread=multi,tb-size=512 -cpu "$CPU" -smp "$SMP" -m "$MEM" \
    -kernel "$D/vmlinuz" -initrd "$D/initrd" -append "$(echo $append)" \
    -drive "if=none,id=root,file=${IMG:-$D/root.img},format=raw,cache=unsafe,discard=unmap,snapshot=${SNAP:-on}" \
    -device virtio-blk-pci,drive=root \
    -drive "if=none,id=work,file=$r/work.img,format=raw,cache=unsafe" \
    -device virtio-blk-pci,drive=work \
    -device virtio-serial-pci \
    -chardev "file,id=con,path=$r/console" -device virtconsole,chardev=con \
    -chardev "pipe,id=ctl,path=$r/ctl" -device virtserialport,chardev=ctl,name=ctl \
    -chardev "file,id=out,path=/dev/fd/3,append=on" -device virtserialport,chardev=out,name=out \
    -chardev "file,id=err,path=/dev/fd/4,append=on" -device virtserialport,chardev=err,name=err \
    -device virtio-rng-pci \
    -qmp "unix:$r/qmp,server=on,wait=off" \
    "$@" ${VM_QEMU:-} 3> >(exec cat) 4> >(exec cat >&2) >"$r/qemu.log" 2>&1 </dev/null &
  QPID=$!
}

# answer VAR: one line from the guest's ctl port into VAR, or fail when qemu is gone
answer() {
  local _l
  while :; do
    if read -r -t 2 _l <&8; then printf -v "$1" %s "$_l"; return 0; fi
    kill -0 "$QPID" 2>/dev/null || return 1
  done
}

rundir() { RUN=$(mktemp -d "$D/run.XXXXXX"); truncate -s "$WORK_SIZE" "$RUN/work.img"; trap finish EXIT; }
finish() {
  [ -z "${QPID:-}" ] || { kill "$QPID" 2>/dev/null && wait "$QPID" 2>/dev/null; } || :
  [ "${VM_KEEP:-0}" = 1 ] || rm -rf "$RUN"
}

qmp() { # qmp SOCKET JSON...: sends each, prints the answers
  python3 - "$@" <<'E'
import json, socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); f = s.makefile("rw")
def ask(o):
    f.write(json.dumps(o) + "\n"); f.flush()
    while True:
        a = json.loads(f.readline())
        if "return" in a or "error" in a: return a
f.readline(); ask({"execute": "qmp_capabilities"})
import time
for j in sys.argv[2:]:
    a = ask(json.loads(j))
    if "error" in a: ask({"execute": "quit"}); sys.exit(str(a))
    if '"migrate"' in j:
        while True:
            a = ask({"execute": "query-migrate"})["return"]
            if a.get("status") in ("completed", "failed", "cancelled"): break
            time.sleep(0.1)
        if a["status"] != "completed": sys.exit(str(a))
E
}

bake() {
  rundir
  rm -f "$D/state"
  cp --sparse=always "$D/root.img" "$D/live.img"   # the disk that goes with the saved machine
  IMG=$D/live.img SNAP=off qemu_start "$RUN"
  exec 8<>"$RUN/ctl.out"
  local l; answer l || { tail -n 20 "$RUN/qemu.log" "$RUN/console" >&2 || :; die "no boot"; }
  l=${l//$'\r'/}; [ "$l" = ready ] || die "unexpected: $l"
  note "booted"
  sleep "${VM_SETTLE:-5}"   # let late units come to rest
  qmp "$RUN/qmp" '{"execute":"migrate-set-parameters","arguments":{"max-bandwidth":10000000000}}' \
    "{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"exec:cat >$D/state.new\"}}" '{"execute":"quit"}'
  wait "$QPID" || :; QPID=
  [ -s "$D/state.new" ] || die "no state saved"
  mv "$D/state.new" "$D/state"
  note "saved: $(du -h "$D/state" | cut -f1)"
}

run() {
  local mode=$1 dir=$2; shift 2
  [ "${1:-}" = -- ] && shift; [ $# -gt 0 ] && [ -d "$dir" ] || die "usage: vm.sh run DIR -- COMMAND..."
  [ -e "$D/root.img" ] || die "no image: vm.sh build"
  local b64; b64=$(printf '%s\0' "$@" | base64 -w0)
  rundir
  tar -C "$dir" --numeric-owner -cf - . | dd of="$RUN/work.img" conv=notrunc bs=1M status=none
  note "packed"
  local l from=()
  exec 8>&-
  if [ "$mode" = run ] && [ -e "$D/state" ]; then from=(-incoming "exec:cat $D/state"); IMG=$D/live.img; fi
  qemu_start "$RUN" "${from[@]}"
  exec 8<>"$RUN/ctl.out" 9<>"$RUN/ctl.in"
  echo "go $(date +%s.%N) ${VM_BACK:-1} ${VM_TIMEOUT:-0} $b64" >&9
  while answer l; do
    l=${l//$'\r'/}
    case $l in
    ready) note "booted" ;;
    rc\ *) note "done"; break ;;
    esac
  done
  case ${l:-} in rc\ *) ;; *) tail -n 5 "$RUN/qemu.log" "$RUN/console" >&2 || :; die "the guest went away" ;; esac
  kill "$QPID"; wait "$QPID" 2>/dev/null || :; QPID=
  [ "${VM_BACK:-1}" = 0 ] || tar -C "$dir" --numeric-owner -xf "$RUN/work.img"
  note "unpacked"
  return "${l#rc }"
}

case ${1:-} in
build) build ;;
bake) bake ;;
run | boot) m=$1; shift; run "$m" "$@" ;;
clean) rm -rf --one-file-system "$D" ;;
*) sed -n '2,20s/^# \{0,1\}//p' "$0"; exit 125 ;;
esac
