// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// SysctlPath is the file of a kernel parameter below /proc/sys. Keys are as in
// sysctl.d(5): the first of '.' and '/' in it separates the parts, and the other
// one stands for itself turned around, so that net.ipv4.conf.eth0/100.forwarding
// and net/ipv4/conf/eth0.100/forwarding are the same file. Not ok: a key with an
// empty part, "." or "..", which would lead somewhere else.
func SysctlPath(key string) (file string, ok bool) {
	file = key
	if i := strings.IndexAny(key, "./"); i >= 0 && key[i] == '.' {
		turned := []byte(key)
		for i, c := range turned {
			switch c {
			case '.':
				turned[i] = '/'
			case '/':
				turned[i] = '.'
			}
		}
		file = string(turned)
	}
	for part := range strings.SplitSeq(file, "/") {
		if part == "" || part == "." || part == ".." {
			return "", false
		}
	}
	return file, true
}

// checkSysctl lets through what a namespace of the container holds. Everything
// else would change the host.
func checkSysctl(linux *specs.Linux) error {
	const where = place("linux.sysctl")
	for key := range linux.Sysctl {
		file, ok := SysctlPath(key)
		t := sysctlNamespace(file)
		switch {
		case !ok:
			return where.key(key).errorf("want a parameter such as net.ipv4.ip_forward")
		case file == "kernel/hostname":
			return where.key(key).errorf("not allowed, as it conflicts with hostname: use that")
		case t == "":
			return where.key(key).errorf("not in a separate kernel namespace: it would change the host")
		case !hasNamespace(linux, t):
			return where.key(key).errorf("not allowed in the host's %s namespace; linux.namespaces has none", t)
		}
	}
	return nil
}

// SysctlNamespace is the kind of namespace that holds the parameter of this name, "" if none does.
func SysctlNamespace(key string) specs.LinuxNamespaceType {
	file, _ := SysctlPath(key)
	return sysctlNamespace(file)
}

// sysctlNamespace is the kind of namespace that holds the parameter, "" if none
// does.
func sysctlNamespace(file string) specs.LinuxNamespaceType {
	switch file {
	case "kernel/domainname":
		return specs.UTSNamespace
	case "kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/sem",
		"kernel/shmall", "kernel/shmmax", "kernel/shmmni", "kernel/shm_rmid_forced":
		return specs.IPCNamespace
	}
	switch {
	case strings.HasPrefix(file, "fs/mqueue/"):
		return specs.IPCNamespace
	case strings.HasPrefix(file, "net/"):
		return specs.NetworkNamespace
	case strings.HasPrefix(file, "user/"):
		return specs.UserNamespace
	}
	return ""
}
