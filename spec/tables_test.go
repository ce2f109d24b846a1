// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func TestCapabilityNumber(t *testing.T) {
	for name, want := range map[string]int{
		"CAP_CHOWN": unix.CAP_CHOWN, "CAP_KILL": unix.CAP_KILL, "CAP_NET_BIND_SERVICE": unix.CAP_NET_BIND_SERVICE,
		"CAP_NET_RAW": unix.CAP_NET_RAW, "CAP_SYS_MODULE": unix.CAP_SYS_MODULE, "CAP_SYS_ADMIN": unix.CAP_SYS_ADMIN,
		"CAP_SYS_RESOURCE": unix.CAP_SYS_RESOURCE, "CAP_MKNOD": unix.CAP_MKNOD, "CAP_AUDIT_WRITE": unix.CAP_AUDIT_WRITE,
		"CAP_SETFCAP": unix.CAP_SETFCAP, "CAP_SYSLOG": unix.CAP_SYSLOG, "CAP_BPF": unix.CAP_BPF, "CAP_CHECKPOINT_RESTORE": unix.CAP_LAST_CAP,
	} {
		if n, ok := CapabilityNumber(name); !ok || n != want {
			t.Errorf("%s: got %d, %v, want %d", name, n, ok, want)
		}
	}
	for n := range unix.CAP_LAST_CAP + 1 {
		name, ok := CapabilityName(n)
		if back, known := CapabilityNumber(name); !ok || !known || back != n {
			t.Errorf("%d: %s, %d", n, name, back)
		}
	}
	for _, name := range []string{"", "CAP_", "CHOWN", "cap_chown", "CAP_CAP_CHOWN", "CAP_X"} {
		if n, ok := CapabilityNumber(name); ok {
			t.Errorf("%q is %d", name, n)
		}
	}
	for _, n := range []int{-1, unix.CAP_LAST_CAP + 1} {
		if name, ok := CapabilityName(n); ok {
			t.Errorf("%d is %s", n, name)
		}
	}
}

func TestUnknownCapabilities(t *testing.T) {
	s := &specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{
		Bounding: []string{"CAP_X", "CAP_KILL", "KILL"}, Ambient: []string{"CAP_Y", "CAP_X"},
	}}}
	if got := UnknownCapabilities(s); !slices.Equal(got, []string{"CAP_X", "KILL", "CAP_Y"}) {
		t.Error(got)
	}
	if got := UnknownCapabilities(&specs.Spec{Process: &specs.Process{}}); got != nil {
		t.Error(got)
	}
}

func TestRlimitNumber(t *testing.T) {
	for name, want := range map[string]int{
		"RLIMIT_CPU": unix.RLIMIT_CPU, "RLIMIT_FSIZE": unix.RLIMIT_FSIZE, "RLIMIT_DATA": unix.RLIMIT_DATA,
		"RLIMIT_STACK": unix.RLIMIT_STACK, "RLIMIT_CORE": unix.RLIMIT_CORE, "RLIMIT_RSS": unix.RLIMIT_RSS,
		"RLIMIT_NPROC": unix.RLIMIT_NPROC, "RLIMIT_NOFILE": unix.RLIMIT_NOFILE, "RLIMIT_MEMLOCK": unix.RLIMIT_MEMLOCK,
		"RLIMIT_AS": unix.RLIMIT_AS, "RLIMIT_LOCKS": unix.RLIMIT_LOCKS, "RLIMIT_SIGPENDING": unix.RLIMIT_SIGPENDING,
		"RLIMIT_MSGQUEUE": unix.RLIMIT_MSGQUEUE, "RLIMIT_NICE": unix.RLIMIT_NICE, "RLIMIT_RTPRIO": unix.RLIMIT_RTPRIO,
		"RLIMIT_RTTIME": unix.RLIMIT_RTTIME,
	} {
		if n, ok := RlimitNumber(name); !ok || n != want {
			t.Errorf("%s: got %d, %v, want %d", name, n, ok, want)
		}
	}
	if n, ok := RlimitNumber("NOFILE"); ok {
		t.Errorf("NOFILE is %d", n)
	}
}

func TestParseRanges(t *testing.T) {
	for list, want := range map[string][]Range{
		"": nil, " , ": nil, "0": {{0, 0}}, "0-3,7": {{0, 3}, {7, 7}}, " 1 ,2-2,": {{1, 1}, {2, 2}}, "65535": {{65535, 65535}},
	} {
		if got, err := ParseRanges(list); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %v, %v, want %v", list, got, err, want)
		}
	}
	for _, list := range []string{"a", "-", "1-", "-1", "3-1", "1-2-3", "1 - 2", "0x1", "+1", "65536", "18446744073709551616"} {
		if got, err := ParseRanges(list); err == nil {
			t.Errorf("%q: got %v, want an error", list, got)
		}
	}
}

func TestSysctlPath(t *testing.T) {
	for key, want := range map[string]string{
		"net.ipv4.ip_forward":               "net/ipv4/ip_forward",
		"net/ipv4/ip_forward":               "net/ipv4/ip_forward",
		"net.ipv4.conf.eth0/100.forwarding": "net/ipv4/conf/eth0.100/forwarding",
		"net/ipv4/conf/eth0.100/forwarding": "net/ipv4/conf/eth0.100/forwarding",
		"kernel.shm_rmid_forced":            "kernel/shm_rmid_forced",
		"simple":                            "simple",
		"net/ipv4/conf/veth..0/forwarding":  "net/ipv4/conf/veth..0/forwarding",
		"":                                  "", "/": "", ".": "", "net.": "", ".net": "", "/net": "", "net//a": "", "net/../a": "", "net/./a": "", "..": "", "net.//.a": "", "net./.a": "",
	} {
		if got, ok := SysctlPath(key); got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", key, got, ok, want)
		}
		checkSysctlPath(t, key)
	}
}

func checkSysctlPath(t *testing.T, key string) {
	t.Helper()
	file, ok := SysctlPath(key)
	if ok && (!filepath.IsLocal(file) || filepath.Clean(file) != file || strings.Contains("/"+file+"/", "/../")) {
		t.Errorf("%q leads to %q", key, file)
	}
}
