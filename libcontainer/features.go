// SPDX-License-Identifier: Apache-2.0

package libcontainer

import (
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/opencontainers/runtime-spec/specs-go/features"

	"github.com/tare-runtime/tare/libcontainer/compile"
	"github.com/tare-runtime/tare/libcontainer/host"
	"github.com/tare-runtime/tare/spec"
)

// Features says what this runtime can do (runtime-spec, features.md). The lists are those that the
// compiler and the validator go by. What the host lacks is not left out, but for capabilities,
// which the kernel gives their meaning.
func Features() *features.Features {
	yes, no := true, false
	modes, flags := compile.MemoryPolicies()
	namespaces := compile.Namespaces()
	slices.Sort(namespaces)
	return &features.Features{
		OCIVersionMin: "1.0.0",
		OCIVersionMax: specs.Version,
		Hooks:         spec.HookKinds(),
		MountOptions:  compile.MountOptions(),
		Linux: &features.Linux{
			Namespaces:      namespaces,
			Capabilities:    capabilities(),
			Cgroup:          &features.Cgroup{V1: &yes, V2: &yes, Systemd: &no, SystemdUser: &no, Rdma: &yes},
			Seccomp:         &features.Seccomp{Enabled: &no},
			Apparmor:        &features.Apparmor{Enabled: &yes},
			Selinux:         &features.Selinux{Enabled: &yes},
			IntelRdt:        &features.IntelRdt{Enabled: &yes, Schemata: &yes, Monitoring: &yes},
			MemoryPolicy:    &features.MemoryPolicy{Modes: modes, Flags: flags},
			MountExtensions: &features.MountExtensions{IDMap: &features.IDMap{Enabled: &yes}},
			NetDevices:      &features.NetDevices{Enabled: &yes},
		},
	}
}

// capabilities are those that this kernel has, by name.
func capabilities() (names []string) {
	for n := 0; n <= host.LastCapability(); n++ {
		if name, ok := spec.CapabilityName(n); ok {
			names = append(names, name)
		}
	}
	return names
}
