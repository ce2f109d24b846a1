// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// forms has each Builder method with the lines it prints, without numbers.
var forms = []struct {
	build func(b *Builder)
	want  string
}{
	{func(b *Builder) { b.Capset(1<<unix.CAP_KILL|1<<unix.CAP_BPF|1<<60, 1, 0) },
		`capset({version=0x20080522, pid=0}, {effective=CAP_BPF|CAP_KILL|0x1000000000000000, permitted=CAP_CHOWN, inheritable=0})`},
	{func(b *Builder) { b.Chdir("/a\nb\xff\x00é") }, `chdir("/a\nb\xff\x00é")`},
	{func(b *Builder) { b.Chroot(".") }, `chroot(".")`},
	{func(b *Builder) {
		l := b.Label()
		b.Clone3(Clone{Flags: unix.CLONE_NEWPID | unix.CLONE_PARENT, ExitSignal: 17}, l).Into(b.Slot())
		b.ExitGroup(0)
		b.Bind(l)
		b.ExitGroup(-1)
	}, "$1 = clone3({flags=CLONE_NEWPID|CLONE_PARENT, exit_signal=SIGCHLD}, 88) ? EPIPE -> 2 zero-fails\nexit_group(0)\nexit_group(-1)"},
	{func(b *Builder) {
		fd := b.Openat2(Cwd, "/c", OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC}).FD()
		l := b.Label()
		b.Clone3(Clone{Flags: unix.CLONE_INTO_CGROUP, Cgroup: fd}, l)
		b.Clone3(Clone{Flags: unix.CLONE_INTO_CGROUP, Cgroup: b.Input("cgroup:0")}, l)
		b.Bind(l)
	}, "$1 = openat2(AT_FDCWD, \"/c\", {flags=O_CLOEXEC|O_PATH, mode=0, resolve=0}, 24)\n" +
		"$2 = fcntl($1, F_DUPFD_CLOEXEC, 0)\n" +
		"clone3({flags=CLONE_INTO_CGROUP, cgroup=$2}, 88) ? EPIPE -> 4 zero-fails\n" +
		"clone3({flags=CLONE_INTO_CGROUP, cgroup=<cgroup:0>}, 88) ? EPIPE -> 4 zero-fails"},
	{func(b *Builder) { b.Close(Fixed(3)) }, `close(3)`},
	{func(b *Builder) { b.CloseRange(3, ^uint32(0), unix.CLOSE_RANGE_CLOEXEC) }, `close_range(3, 0xffffffff, CLOSE_RANGE_CLOEXEC)`},
	{func(b *Builder) { b.Dup3(b.Input("a b"), b.Held(`>"`), unix.O_CLOEXEC) }, `dup3(<"a b">, <">\"">, O_CLOEXEC)`},
	{func(b *Builder) {
		argv, env := b.Strings([]string{"a", ""}), b.Strings(nil)
		b.Execve("/a", argv, env)
		b.Execveat(Cwd, "/a", argv, env, unix.AT_EMPTY_PATH)
	}, "execve(\"/a\", list1=[\"a\", \"\"], list2=[])\nexecveat(AT_FDCWD, \"/a\", list1, list2, AT_EMPTY_PATH)"},
	{func(b *Builder) { b.Execve("/a", b.Strings([]string{"a"}), b.Strings([]string{"A=]\""})) }, `execve("/a", ["a"], ["A=]\""])`},
	{func(b *Builder) { b.Faccessat2(Cwd, "x", unix.R_OK|unix.X_OK, unix.AT_EACCESS) }, `faccessat2(AT_FDCWD, "x", R_OK|X_OK, AT_EACCESS)`},
	{func(b *Builder) { b.Faccessat2(Cwd, "x", unix.F_OK, 0) }, `faccessat2(AT_FDCWD, "x", F_OK, 0)`},
	{func(b *Builder) { b.Fchdir(Fixed(0)) }, `fchdir(0)`},
	{func(b *Builder) { b.Fchmodat(Cwd, "x", 0o1755) }, `fchmodat(AT_FDCWD, "x", 01755)`},
	{func(b *Builder) { b.Fchownat(Cwd, "", 7, -1, unix.AT_EMPTY_PATH|0x80) }, `fchownat(AT_FDCWD, "", 7, -1, AT_EMPTY_PATH|0x80)`},
	{func(b *Builder) { b.Fcntl(Fixed(1), unix.F_SETFD, 1) }, `fcntl(1, F_SETFD, 1)`},
	{func(b *Builder) { b.Fcntl(Fixed(1), 77, 1) }, `fcntl(1, 77, 1)`},
	{func(b *Builder) {
		fs := b.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC).FD()
		b.FsconfigFlag(fs, "ro").Remember().OnError(0, b.Label())
		b.FsconfigString(fs, "size", "64k")
		b.FsconfigFD(fs, "fd", b.Input("x"))
		b.FsconfigCreate(fs)
		b.Fsmount(fs, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR__ATIME)
		b.Bind(0)
	}, "$1 = fsopen(\"tmpfs\", FSOPEN_CLOEXEC)\nfsconfig($1, FSCONFIG_SET_FLAG, \"ro\", null, 0) ? -> 6 remember\n" +
		"fsconfig($1, FSCONFIG_SET_STRING, \"size\", \"64k\", 0)\nfsconfig($1, FSCONFIG_SET_FD, \"fd\", null, <x>)\n" +
		"fsconfig($1, FSCONFIG_CMD_CREATE, null, null, 0)\nfsmount($1, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV|MOUNT_ATTR__ATIME)"},
	{func(b *Builder) {
		fs := b.Fspick(Fixed(3)).FD()
		b.FsconfigReconfigure(fs)
	}, "$1 = fspick(3, \"\", FSPICK_CLOEXEC|FSPICK_EMPTY_PATH)\nfsconfig($1, FSCONFIG_CMD_RECONFIGURE, null, null, 0)"},
	{func(b *Builder) { b.Fsetxattr(Fixed(3), "security.x", "a:b") }, `fsetxattr(3, "security.x", "a:b", 3, 0)`},
	{func(b *Builder) { b.Getpid().Into(b.Slot()).ZeroFails() }, `$1 = getpid() zero-fails`},
	{func(b *Builder) { b.Ioctl(Fixed(0), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_CLOEXEC).FD() }, `$1 = ioctl(0, TIOCGPTPEER, O_CLOEXEC|O_RDWR)`},
	{func(b *Builder) { b.IoctlInt(Fixed(0), unix.TIOCSPTLCK, -2) }, `ioctl(0, TIOCSPTLCK, &-2)`},
	{func(b *Builder) { b.IoctlBytes(Fixed(0), unix.TIOCSWINSZ, Winsize, []byte{0, 0, 0, 0, 0, 0, 0, 0}) },
		`ioctl(0, TIOCSWINSZ, {rows=0, columns=0, xpixel=0, ypixel=0})`},
	{func(b *Builder) {
		b.IoctlBytes(Fixed(0), unix.SIOCSIFFLAGS, Ifreq, append([]byte("lo"), make([]byte, 38)...))
	},
		`ioctl(0, SIOCSIFFLAGS, {name="lo", flags=0})`},
	{func(b *Builder) { b.IoctlBytes(Fixed(0), 0x1234, Ifreq, append(make([]byte, 39), 1)) },
		`ioctl(0, 4660, ifreq:x"` + strings.Repeat("00", 39) + `01")`},
	{func(b *Builder) { b.IoctlBytes(Fixed(0), 0x1234, RawStruct, []byte{0xa, 0xb}) }, `ioctl(0, 4660, x"0a0b")`},
	{func(b *Builder) { b.IoprioSet(1, 0, 0x6007) }, `ioprio_set(1, 0, 0x6007)`},
	{func(b *Builder) {
		s := b.Slot()
		b.KeyctlJoin("_ses.x").Into(s)
		b.KeyctlSetPerm(s, 9).Ignore(0)
	}, "$1 = keyctl(KEYCTL_JOIN_SESSION_KEYRING, \"_ses.x\", 0, 0, 0)\nkeyctl(KEYCTL_SETPERM, $1, 9, 0, 0) ? -> 2"},
	{func(b *Builder) { b.Kill(-1, 9) }, `kill(-1, SIGKILL)`},
	{func(b *Builder) { b.DropInstructions() }, `madvise(0, 0, MADV_DONTNEED)`},
	{func(b *Builder) { b.Mkdirat(Cwd, "a", 0) }, `mkdirat(AT_FDCWD, "a", 0)`},
	{func(b *Builder) { b.Mknodat(Cwd, "a", unix.S_IFBLK|0o600, unix.Mkdev(259, 0x12345)) }, `mknodat(AT_FDCWD, "a", S_IFBLK|0600, 259:74565)`},
	{func(b *Builder) {
		b.MountSetattr(Cwd, "/", unix.AT_RECURSIVE, MountAttr{Set: unix.MOUNT_ATTR_RDONLY, Clear: unix.MOUNT_ATTR_NODEV, Propagation: unix.MS_SLAVE, UserNS: b.Input("userns")})
	}, `mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, {attr_set=MOUNT_ATTR_RDONLY, attr_clr=MOUNT_ATTR_NODEV, propagation=MS_SLAVE, userns_fd=<userns>}, 32)`},
	{func(b *Builder) { b.MountSetattr(Cwd, "/", 0, MountAttr{}) }, `mount_setattr(AT_FDCWD, "/", 0, {}, 32)`},
	{func(b *Builder) { b.MountSetattr(Cwd, "/", 0, MountAttr{UserNS: Fixed(9)}) }, `mount_setattr(AT_FDCWD, "/", 0, {userns_fd=9}, 32)`},
	{func(b *Builder) { b.MoveMount(Fixed(3), Fixed(4)) }, `move_mount(3, "", 4, "", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)`},
	{func(b *Builder) { b.OpenTree(Cwd, "/", unix.OPEN_TREE_CLONE|unix.AT_RECURSIVE) }, `open_tree(AT_FDCWD, "/", AT_RECURSIVE|OPEN_TREE_CLONE)`},
	{func(b *Builder) {
		b.Openat2(Cwd, "/", OpenHow{unix.O_CREAT | unix.O_WRONLY | unix.O_TMPFILE, 0o644, unix.RESOLVE_BENEATH}).OnError(syscall.ENOENT, b.Label()).Then(b.Label())
		b.Bind(0)
		b.Bind(1)
	}, `openat2(AT_FDCWD, "/", {flags=O_CREAT|O_TMPFILE|O_WRONLY, mode=0644, resolve=RESOLVE_BENEATH}, 24) -> 1 ? ENOENT -> 1`},
	{func(b *Builder) { b.Personality(0x8) }, `personality(8)`},
	{func(b *Builder) { b.PivotRoot(".", "old") }, `pivot_root(".", "old")`},
	{func(b *Builder) { b.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_ADMIN, 0, 0, 0) }, `prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0)`},
	{func(b *Builder) { b.Prctl(unix.PR_CAPBSET_DROP, 63, 0, 0, 0) }, `prctl(PR_CAPBSET_DROP, 63, 0, 0, 0)`},
	{func(b *Builder) { b.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, unix.CAP_KILL, 0, 0) }, `prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0)`},
	{func(b *Builder) { b.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) }, `prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)`},
	{func(b *Builder) { b.ShedExe(b.Input("exe")) }, `prctl(PR_SET_MM, PR_SET_MM_MAP, {exe=<exe>}, 104, 0)`},
	{func(b *Builder) { b.Prlimit64(unix.RLIMIT_NOFILE, 1024, ^uint64(0)) }, `prlimit64(0, RLIMIT_NOFILE, {soft=1024, hard=unlimited}, 0)`},
	{func(b *Builder) {
		m := b.Buffer(8)
		b.Read(Fixed(0), b.Buffer(0))
		b.Read(Fixed(0), m).ZeroFails()
		b.Read(Fixed(0), m)
	}, "read(0, buffer1[0], 0)\nread(0, buffer2[8], 8) zero-fails\nread(0, buffer2[8], 8)"},
	{func(b *Builder) { b.ReadText(Fixed(0)) }, `read(0, @text, 232)`},
	{func(b *Builder) { b.WriteReport(Fixed(0)); b.WriteFailure(Fixed(0)) }, "write(0, @failed, 248)\nwrite(0, @failed, 16)"},
	{func(b *Builder) { b.RtSigprocmask(unix.SIG_SETMASK, 1<<1|1<<40) }, `rt_sigprocmask(SIG_SETMASK, [SIGINT, 41], 0, 8)`},
	{func(b *Builder) { b.RtSigprocmask(unix.SIG_BLOCK, ^uint64(1<<8)) }, `rt_sigprocmask(SIG_BLOCK, ~[SIGKILL], 0, 8)`},
	{func(b *Builder) { b.SchedSetaffinity([]byte{3, 0, 0, 0, 0, 0, 0, 0}) }, `sched_setaffinity(0, 8, x"0300000000000000")`},
	{func(b *Builder) {
		b.SchedSetattr(Scheduling{Policy: unix.SCHED_BATCH, Nice: -5, Flags: unix.SCHED_FLAG_RESET_ON_FORK})
	}, `sched_setattr(0, {size=48, policy=SCHED_BATCH, flags=SCHED_FLAG_RESET_ON_FORK, nice=-5}, 0)`},
	{func(b *Builder) {
		b.SchedSetattr(Scheduling{Policy: unix.SCHED_DEADLINE, Nice: 7, Priority: 1, Runtime: 1, Deadline: 2, Period: 1 << 40})
	}, `sched_setattr(0, {size=48, policy=SCHED_DEADLINE, nice=7, priority=1, runtime=1, deadline=2, period=0x10000000000}, 0)`},
	{func(b *Builder) {
		fd := b.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0).FD()
		b.SendFD(b.Input("report"), fd, '"')
		b.SendFD(fd, b.Input("report"), 0xff)
		b.SendFD(fd, Fixed(5), 'p')
	}, "$1 = socket(AF_UNIX, SOCK_CLOEXEC|SOCK_SEQPACKET, 0)\n$2 = fcntl($1, F_DUPFD_CLOEXEC, 0)\n" +
		"sendmsg(<report>, {byte=\"\\\"\", fd=$2}, MSG_NOSIGNAL)\nsendmsg($1, {byte=\"\\xff\", fd=<report>}, MSG_NOSIGNAL)\n" +
		"sendmsg($1, {byte=\"p\", fd=5}, MSG_NOSIGNAL)"},
	{func(b *Builder) { b.SetMempolicy(2, []byte{1, 0, 0, 0, 0, 0, 0, 0}, 64) }, `set_mempolicy(2, x"0100000000000000", 64)`},
	{func(b *Builder) { b.SetMempolicy(0, nil, 0) }, `set_mempolicy(0, null, 0)`},
	{func(b *Builder) { b.Setdomainname("d") }, `setdomainname("d", 1)`},
	{func(b *Builder) { b.Setgroups([]uint32{1, 1<<32 - 1}) }, `setgroups(2, [1, 4294967295])`},
	{func(b *Builder) { b.Setgroups(nil).Ignore(syscall.EPERM) }, `setgroups(0, null) ? EPERM -> 1`},
	{func(b *Builder) { b.Sethostname("") }, `sethostname("", 0)`},
	{func(b *Builder) { b.Setns(b.Input("namespace:net"), unix.CLONE_NEWNET) }, `setns(<namespace:net>, CLONE_NEWNET)`},
	{func(b *Builder) { b.Setresgid(5) }, `setresgid(5, 5, 5)`},
	{func(b *Builder) { b.Setresuid(1000) }, `setresuid(1000, 1000, 1000)`},
	{func(b *Builder) { b.Setsid() }, `setsid()`},
	{func(b *Builder) {
		one, two := b.Permission(0o755), b.Permission(0)
		b.Statx(Fixed(3), two)
		b.Statx(Fixed(3), one)
		b.FchmodatTo(Cwd, "a", one)
	}, "statx(3, \"\", AT_EMPTY_PATH, STATX_MODE, stat1[0])\nstatx(3, \"\", AT_EMPTY_PATH, STATX_MODE, stat2[0755])\nfchmodat(AT_FDCWD, \"a\", stat2[0755].mode)"},
	{func(b *Builder) { b.Symlinkat("to", Cwd, "from") }, `symlinkat("to", AT_FDCWD, "from")`},
	{func(b *Builder) { b.Umask(0o22) }, `umask(022)`},
	{func(b *Builder) { b.Umount2("/x", unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW) }, `umount2("/x", MNT_DETACH|UMOUNT_NOFOLLOW)`},
	{func(b *Builder) { b.Unlinkat(Cwd, "x", unix.AT_REMOVEDIR) }, `unlinkat(AT_FDCWD, "x", AT_REMOVEDIR)`},
	{func(b *Builder) { b.Unshare(unix.CLONE_NEWTIME | unix.CLONE_NEWCGROUP) }, `unshare(CLONE_NEWCGROUP|CLONE_NEWTIME)`},
	{func(b *Builder) { b.Write(Fixed(2), "a\x00b") }, `write(2, "a\x00b", 3)`},
	{func(b *Builder) {
		s := b.Slot()
		b.Getpid().Into(s)
		b.WriteSlot(Fixed(2), s)
	}, "$1 = getpid()\nwrite(2, &$1, 8)"},
}

func TestForms(t *testing.T) {
	for _, f := range forms {
		b := NewBuilder()
		b.At(Note{Where: "process", Index: -1})
		f.build(b)
		p := b.Build()
		text := string(p.AppendText(nil))
		_, lines, _ := strings.Cut(text, "process\n")
		var got []string
		for l := range strings.Lines(lines) {
			got = append(got, strings.TrimSpace(l[6:]))
		}
		if g := strings.Join(got, "\n"); g != f.want {
			t.Errorf("got  %s\nwant %s", g, f.want)
		}
		roundTrip(t, p)
	}
}

func TestHeadings(t *testing.T) {
	for _, h := range []struct {
		note Note
		want string
	}{
		{Note{}, "-\n"},
		{Note{Where: "process", Index: -1}, "process\n"},
		{Note{Where: "mounts", Index: 5, Object: "/sys"}, "mounts[5] /sys\n"},
		{Note{Where: "mounts", Index: 0, Key: "options", Object: "size=1,x y"}, "mounts[0].options \"size=1,x y\"\n"},
		{Note{Where: "linux.sysctl", Index: -1, Key: "net.ipv4.ip_forward", Object: "1"}, "linux.sysctl.\"net.ipv4.ip_forward\" 1\n"},
		{Note{Where: "--no-pivot", Index: -1}, "--no-pivot\n"},
		{Note{Where: "-", Index: -1, Object: "-"}, "\"-\" \"-\"\n"},
		{Note{Where: "input", Index: -1, Object: "<x>"}, "\"input\" \"<x>\"\n"},
		{Note{Where: "a b", Index: 1, Key: "k\n"}, "\"a b\"[1].\"k\\n\"\n"},
		{Note{Index: -1}, "\"\"\n"},
		{Note{Where: "a.", Index: -1, Key: "k"}, "a..\"k\"\n"},
		{Note{Where: "a.", Index: -1, Object: "\xff"}, "a. \"\\xff\"\n"},
		{Note{Where: "x", Index: -1, Hint: "see \"proc\""}, "x\n# hint: see \"proc\"\n"},
		{Note{Where: "x", Index: -1, Hint: "a\nb"}, "x\n# hint: \"a\\nb\"\n"},
		{Note{Where: "x", Index: -1, Hint: "\"a"}, "x\n# hint: \"\\\"a\"\n"},
	} {
		b := NewBuilder()
		b.At(h.note)
		b.Setsid()
		p := b.Build()
		if got, want := string(p.AppendText(nil)), h.want+"   0  setsid()\n"; got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		roundTrip(t, p)
	}
}

func TestRuns(t *testing.T) {
	b := NewBuilder()
	b.Held("start")
	b.Input("report")
	b.At(Note{Where: "a", Index: -1})
	b.Setsid()
	b.At(Note{Where: "a", Index: -1})
	b.Setsid()
	b.At(Note{Where: "a", Index: 0})
	b.Setsid()
	want := "input <start> keep\ninput <report>\na\n   0  setsid()\n   1  setsid()\na[0]\n   2  setsid()\n"
	if got := string(b.Build().AppendText(nil)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
