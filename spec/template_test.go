// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// exampleSpec is the example as Go has it. The text is what indenting this by a
// tab gives, to the byte.
func exampleSpec() *specs.Spec {
	capabilities := []string{"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"}
	return &specs.Spec{
		Version: "1.3.0",
		Process: &specs.Process{
			Terminal:        true,
			Args:            []string{"sh"},
			Env:             []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"},
			Cwd:             "/",
			Capabilities:    &specs.LinuxCapabilities{Bounding: capabilities, Effective: capabilities, Permitted: capabilities},
			Rlimits:         []specs.POSIXRlimit{{Type: "RLIMIT_NOFILE", Hard: 1024, Soft: 1024}},
			NoNewPrivileges: true,
		},
		Root:     &specs.Root{Path: "rootfs", Readonly: true},
		Hostname: "tare",
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc"},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
			{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
			{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
			{Destination: "/dev/mqueue", Type: "mqueue", Source: "mqueue", Options: []string{"nosuid", "noexec", "nodev"}},
			{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}},
			{Destination: "/sys/fs/cgroup", Type: "cgroup", Source: "cgroup", Options: []string{"nosuid", "noexec", "nodev", "relatime", "ro"}},
		},
		Linux: &specs.Linux{
			Resources: &specs.LinuxResources{Devices: []specs.LinuxDeviceCgroup{{Access: "rwm"}}},
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.PIDNamespace}, {Type: specs.NetworkNamespace}, {Type: specs.IPCNamespace},
				{Type: specs.UTSNamespace}, {Type: specs.MountNamespace},
			},
			MaskedPaths: []string{
				"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
				"/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi", "/sys/devices/virtual/tpm",
			},
			ReadonlyPaths: []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
		},
	}
}

func TestExample(t *testing.T) {
	plain := exampleSpec()

	cgroup := exampleSpec()
	cgroup.Linux.Namespaces = append(cgroup.Linux.Namespaces, specs.LinuxNamespace{Type: specs.CgroupNamespace})

	rootless := exampleSpec()
	rootless.Mounts[2].Options = rootless.Mounts[2].Options[:5]
	rootless.Mounts[5] = specs.Mount{Destination: "/sys", Type: "none", Source: "/sys", Options: []string{"rbind", "nosuid", "noexec", "nodev", "ro"}}
	rootless.Linux.Resources = nil
	rootless.Linux.UIDMappings = []specs.LinuxIDMapping{{HostID: 1000, Size: 1}}
	rootless.Linux.GIDMappings = []specs.LinuxIDMapping{{HostID: 4294967294, Size: 1}}
	rootless.Linux.Namespaces = []specs.LinuxNamespace{
		{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace}, {Type: specs.MountNamespace},
		{Type: specs.CgroupNamespace}, {Type: specs.UserNamespace},
	}

	for _, test := range []struct {
		name    string
		options ExampleOptions
		want    *specs.Spec
	}{
		{"plain", ExampleOptions{}, plain},
		{"cgroup", ExampleOptions{CgroupNamespace: true}, cgroup},
		{"rootless", ExampleOptions{Rootless: true, UID: 1000, GID: 4294967294, CgroupNamespace: true}, rootless},
	} {
		text := Example(test.options)
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetIndent("", "\t")
		if err := enc.Encode(test.want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(bytes.TrimSpace(want.Bytes())), string(text)); diff != "" {
			t.Errorf("%s: text:\n%s", test.name, diff)
		}
		got, err := Decode("config.json", text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s:\n%s", test.name, diff)
		}
		if err := Validate(got); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if w := Warnings(got); w != nil {
			t.Errorf("%s: %q", test.name, w)
		}
	}
}
