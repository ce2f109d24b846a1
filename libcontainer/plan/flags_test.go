// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTables(t *testing.T) {
	check := func(what string, names []name, p Param, flags bool) {
		if !slices.IsSortedFunc(names, func(a, b name) int { return strings.Compare(a.text, b.text) }) {
			t.Errorf("%s are not in order of their names", what)
		}
		seen := map[uint64]string{}
		for _, n := range names {
			if n.value == 0 && flags && p != capMask {
				t.Errorf("%s: the flag %s is zero", what, n.text)
			}
			if other := seen[n.value]; other != "" {
				t.Errorf("%s: %s and %s are the same", what, n.text, other)
			}
			seen[n.value] = n.text
			v, ok := lookup(p, names, n.text)
			if !ok || strings.HasPrefix(what, "kind") && string(appendNumber(nil, p, v)) != n.text {
				t.Errorf("%s: %s does not read back", what, n.text)
			}
		}
	}
	for p := range Param(255) {
		if names, flags := table(p); names != nil {
			check("kind "+string(appendHex(nil, uint64(p))), names, p, flags)
		}
	}
	check("errno", errnos[:], None, false)
	check("place", places[:], None, false)
	check("type", fileTypes[:], Mode, false)
	for _, e := range errnos {
		if got := unix.ErrnoName(unix.Errno(e.value)); got != e.text {
			t.Errorf("errno %d is %s, here it is %s", e.value, got, e.text)
		}
	}
	for e := range unix.Errno(200) {
		if n := unix.ErrnoName(e); n != "" && string(appendErrno(nil, e)) != n {
			t.Errorf("%s is missing", n)
		}
	}
	for _, s := range signals {
		if got := unix.SignalName(unix.Signal(s.value)); got != s.text {
			t.Errorf("signal %d is %s, here it is %s", s.value, got, s.text)
		}
	}
	if len(capabilities) != unix.CAP_LAST_CAP+1 {
		t.Errorf("there are %d capabilities, here %d", unix.CAP_LAST_CAP+1, len(capabilities))
	}
}

// TestLiterals checks the constants that stand as numbers in calls.go and tables.go.
func TestLiterals(t *testing.T) {
	for _, c := range []struct{ got, want uint64 }{
		{Cwd.arg.Value, 1<<64 + unix.AT_FDCWD},
		{0x20080522, unix.LINUX_CAPABILITY_VERSION_3},
		{0x4 | 0x40, unix.MOVE_MOUNT_F_EMPTY_PATH | unix.MOVE_MOUNT_T_EMPTY_PATH},
		{1, unix.FSCONFIG_SET_STRING}, {5, unix.FSCONFIG_SET_FD}, {6, unix.FSCONFIG_CMD_CREATE},
		{1, unix.KEYCTL_JOIN_SESSION_KEYRING}, {5, unix.KEYCTL_SETPERM},
		{4, unix.MADV_DONTNEED}, {35, unix.PR_SET_MM}, {14, unix.PR_SET_MM_MAP},
		{0x4000, unix.MSG_NOSIGNAL}, {0x1000, unix.AT_EMPTY_PATH}, {0x2, unix.STATX_MODE}, {1030, unix.F_DUPFD_CLOEXEC},
	} {
		if c.got != c.want {
			t.Errorf("%#x, want %#x", c.got, c.want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		p    Param
		v    uint64
		want string
	}{
		{OpenFlags, 0, "0"},
		{OpenFlags, unix.O_RDWR | unix.O_CLOEXEC | 1<<40, "O_CLOEXEC|O_RDWR|0x10000000000"},
		{OpenFlags, unix.O_SYNC, "O_SYNC"},
		{OpenFlags, unix.O_DSYNC, "O_DSYNC"},
		{AttrFlags, unix.MOUNT_ATTR_NOATIME, "MOUNT_ATTR_NOATIME"},
		{AttrFlags, unix.MOUNT_ATTR__ATIME, "MOUNT_ATTR__ATIME"},
		{AccessMode, 0, "F_OK"},
		{AccessMode, 7, "R_OK|W_OK|X_OK"},
		{socketKind, unix.SOCK_RAW | unix.SOCK_NONBLOCK, "SOCK_NONBLOCK|SOCK_RAW"},
		{UmountFlags, 1 << 50, "0x4000000000000"},
		{Int, ^uint64(0), "-1"},
		{UID, 1<<32 - 1, "4294967295"},
		{Size, 1<<32 - 1, "0xffffffff"},
		{Size, 256, "256"},
		{Desc, Cwd.arg.Value, "AT_FDCWD"},
		{Desc, 7, "7"},
		{Mode, 0o22, "022"},
		{Mode, 0, "0"},
		{Mode, unix.S_IFIFO, "S_IFIFO|0"},
		{Mode, 0o30000, "030000"},
		{DevNo, ^uint64(0), "4294967295:4294967295"},
		{DevNo, unix.Mkdev(1, 3), "1:3"},
		{limit, ^uint64(0), "unlimited"},
		{Hex, 9, "9"},
		{Hex, 10, "0xa"},
		{Path, 0, "null"},
		{Path, 16, "0x10"},
		{PrctlOp, 1 << 40, "1099511627776"},
	} {
		got := string(appendNumber(nil, c.p, c.v))
		if got != c.want {
			t.Errorf("%d %#x: got %s, want %s", c.p, c.v, got, c.want)
		}
		r := &reader{s: got}
		if v := r.number(c.p); v != c.v || r.err != nil || r.s != "" {
			t.Errorf("%s: reads as %#x, %v", got, v, r.err)
		}
	}
}
