// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// capabilities has every name of capabilities(7) in the order of its number,
// without the prefix. The last, CHECKPOINT_RESTORE, is of Linux 5.9.
var capabilities = [...]string{
	"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID",
	"SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
	"SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
	"SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
	"MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
	"CHECKPOINT_RESTORE",
}

// CapabilityNumber is the bit of a capability such as CAP_CHOWN in the sets of
// the kernel. Names are in capitals and have the prefix.
func CapabilityNumber(name string) (n int, ok bool) {
	bare, ok := strings.CutPrefix(name, "CAP_")
	if !ok {
		return 0, false
	}
	n = slices.Index(capabilities[:], bare)
	return n, n >= 0
}

// CapabilityName is the inverse of CapabilityNumber. Numbers from 0 have a name
// without gaps; the first without one has ok false.
func CapabilityName(n int) (name string, ok bool) {
	if n < 0 || n >= len(capabilities) {
		return "", false
	}
	return "CAP_" + capabilities[n], true
}

// UnknownCapabilities are the names in process.capabilities that
// CapabilityNumber does not know, each once. They are to be warned about and
// ignored, says the specification.
func UnknownCapabilities(s *specs.Spec) []string {
	if s.Process == nil || s.Process.Capabilities == nil {
		return nil
	}
	var names []string
	c := s.Process.Capabilities
	for _, set := range [...][]string{c.Bounding, c.Effective, c.Inheritable, c.Permitted, c.Ambient} {
		for _, name := range set {
			if _, ok := CapabilityNumber(name); !ok && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
