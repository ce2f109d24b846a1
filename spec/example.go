// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// ExampleOptions is what makes one example differ from another. The zero value
// is the plain example, for root.
type ExampleOptions struct {
	// Rootless makes a configuration that a user without privileges can run: a
	// user namespace in which UID and GID, the user's own, are 0; the host's
	// network, /sys and limits; and nothing that belongs to another group.
	Rootless bool
	UID, GID uint32
	// CgroupNamespace adds one, which is due where the host has cgroup v2 alone.
	CgroupNamespace bool
}

// Example is the configuration that the spec command writes: tabs, one value a
// line, no newline at the end. People edit it with jq and sed, so it changes
// only with good reason.
//
// It is what runc 1.5 writes, but for the hostname.
func Example(o ExampleOptions) []byte {
	gid5, sys, limits, network, more := exampleGID5, exampleSysfs, exampleResources, exampleNetwork, ""
	if o.CgroupNamespace {
		more += exampleNamespace("cgroup")
	}
	if o.Rootless {
		gid5 = ""
		sys = exampleHostSys
		limits = exampleMapping("uid", o.UID) + exampleMapping("gid", o.GID)
		network = ""
		more += exampleNamespace("user")
	}
	return []byte(strings.NewReplacer(
		"{{version}}", specs.Version,
		"{{gid5}}", gid5,
		"{{sys}}", sys,
		"{{limits}}", limits,
		"{{network}}", network,
		"{{more}}", more,
	).Replace(example))
}

// exampleNamespace is an entry after others.
func exampleNamespace(kind string) string {
	return ",\n\t\t\t{\n\t\t\t\t\"type\": \"" + kind + "\"\n\t\t\t}"
}

func exampleMapping(kind string, id uint32) string {
	return "\t\t\"" + kind + "Mappings\": [\n" +
		"\t\t\t{\n" +
		"\t\t\t\t\"containerID\": 0,\n" +
		"\t\t\t\t\"hostID\": " + strconv.FormatUint(uint64(id), 10) + ",\n" +
		"\t\t\t\t\"size\": 1\n" +
		"\t\t\t}\n" +
		"\t\t],\n"
}

const (
	// The group tty, which has no place in a user namespace of one id.
	exampleGID5 = `,
				"gid=5"`

	exampleSysfs = `"type": "sysfs",
			"source": "sysfs",
			"options": [
				"nosuid",
				"noexec",
				"nodev",
				"ro"
			]`

	// sysfs can be mounted only by the owner of the network namespace.
	exampleHostSys = `"type": "none",
			"source": "/sys",
			"options": [
				"rbind",
				"nosuid",
				"noexec",
				"nodev",
				"ro"
			]`

	exampleResources = `		"resources": {
			"devices": [
				{
					"allow": false,
					"access": "rwm"
				}
			]
		},
`

	exampleNetwork = `			{
				"type": "network"
			},
`
)

const example = `{
	"ociVersion": "{{version}}",
	"process": {
		"terminal": true,
		"user": {
			"uid": 0,
			"gid": 0
		},
		"args": [
			"sh"
		],
		"env": [
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"TERM=xterm"
		],
		"cwd": "/",
		"capabilities": {
			"bounding": [
				"CAP_AUDIT_WRITE",
				"CAP_KILL",
				"CAP_NET_BIND_SERVICE"
			],
			"effective": [
				"CAP_AUDIT_WRITE",
				"CAP_KILL",
				"CAP_NET_BIND_SERVICE"
			],
			"permitted": [
				"CAP_AUDIT_WRITE",
				"CAP_KILL",
				"CAP_NET_BIND_SERVICE"
			]
		},
		"rlimits": [
			{
				"type": "RLIMIT_NOFILE",
				"hard": 1024,
				"soft": 1024
			}
		],
		"noNewPrivileges": true
	},
	"root": {
		"path": "rootfs",
		"readonly": true
	},
	"hostname": "tare",
	"mounts": [
		{
			"destination": "/proc",
			"type": "proc",
			"source": "proc"
		},
		{
			"destination": "/dev",
			"type": "tmpfs",
			"source": "tmpfs",
			"options": [
				"nosuid",
				"strictatime",
				"mode=755",
				"size=65536k"
			]
		},
		{
			"destination": "/dev/pts",
			"type": "devpts",
			"source": "devpts",
			"options": [
				"nosuid",
				"noexec",
				"newinstance",
				"ptmxmode=0666",
				"mode=0620"{{gid5}}
			]
		},
		{
			"destination": "/dev/shm",
			"type": "tmpfs",
			"source": "shm",
			"options": [
				"nosuid",
				"noexec",
				"nodev",
				"mode=1777",
				"size=65536k"
			]
		},
		{
			"destination": "/dev/mqueue",
			"type": "mqueue",
			"source": "mqueue",
			"options": [
				"nosuid",
				"noexec",
				"nodev"
			]
		},
		{
			"destination": "/sys",
			{{sys}}
		},
		{
			"destination": "/sys/fs/cgroup",
			"type": "cgroup",
			"source": "cgroup",
			"options": [
				"nosuid",
				"noexec",
				"nodev",
				"relatime",
				"ro"
			]
		}
	],
	"linux": {
{{limits}}		"namespaces": [
			{
				"type": "pid"
			},
{{network}}			{
				"type": "ipc"
			},
			{
				"type": "uts"
			},
			{
				"type": "mount"
			}{{more}}
		],
		"maskedPaths": [
			"/proc/acpi",
			"/proc/asound",
			"/proc/kcore",
			"/proc/keys",
			"/proc/latency_stats",
			"/proc/timer_list",
			"/proc/timer_stats",
			"/proc/sched_debug",
			"/sys/firmware",
			"/proc/scsi",
			"/sys/devices/virtual/tpm"
		],
		"readonlyPaths": [
			"/proc/bus",
			"/proc/fs",
			"/proc/irq",
			"/proc/sys",
			"/proc/sysrq-trigger"
		]
	}
}`
