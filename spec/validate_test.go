// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"math"
	"os"
	"slices"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func everything(t testing.TB) *specs.Spec {
	t.Helper()
	raw, err := os.ReadFile("testdata/everything.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Decode("everything.json", raw)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestValidateAccepts(t *testing.T) {
	for name, change := range map[string]func(*specs.Spec){
		"everything":            func(*specs.Spec) {},
		"no process":            func(s *specs.Spec) { s.Process = nil },
		"nothing optional":      func(s *specs.Spec) { *s = specs.Spec{Version: "1.0.0", Root: &specs.Root{Path: "r"}} },
		"old version":           func(s *specs.Spec) { s.Version = "1.0.0-rc5-dev" },
		"new version":           func(s *specs.Spec) { s.Version = "1.99.7+build.5" },
		"size without terminal": func(s *specs.Spec) { s.Process.Terminal = false; s.Process.ConsoleSize.Width = math.MaxUint },
		"joined user namespace": func(s *specs.Spec) {
			s.Linux.Namespaces[5].Path = "/proc/1/ns/user"
			s.Linux.UIDMappings, s.Linux.GIDMappings = nil, nil
		},
		"joined uts namespace": func(s *specs.Spec) { s.Linux.Namespaces[3].Path = "/proc/1/ns/uts" },
		"seccomp off":          func(s *specs.Spec) { s.Linux.Seccomp = &specs.LinuxSeccomp{} },
		"unset swappiness":     func(s *specs.Spec) { *s.Linux.Resources.Memory.Swappiness = math.MaxUint64 },
		"all ids":              func(s *specs.Spec) { s.Linux.UIDMappings = []specs.LinuxIDMapping{{Size: math.MaxUint32}} },
		"neighbours": func(s *specs.Spec) {
			s.Linux.UIDMappings = []specs.LinuxIDMapping{{ContainerID: 10, HostID: 30, Size: 5}, {ContainerID: 15, HostID: 20, Size: 10}}
		},
		"default closID": func(s *specs.Spec) { s.Linux.IntelRdt.ClosID = "/" },
		"preferred":      func(s *specs.Spec) { s.Linux.MemoryPolicy = &specs.LinuxMemoryPolicy{Mode: specs.MpolPreferred} },
		"deadline without period": func(s *specs.Spec) {
			s.Process.Scheduler.Period = 0
		},
		"nice":   func(s *specs.Spec) { s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedBatch, Nice: -20} },
		"fifo":   func(s *specs.Spec) { s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedFIFO, Priority: 99} },
		"umask":  func(s *specs.Spec) { *s.Process.User.Umask = 0o777 },
		"dotted": func(s *specs.Spec) { s.Mounts[0].Destination = "/a/../proc" },
	} {
		s := everything(t)
		change(s)
		if err := Validate(s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidateErrors(t *testing.T) {
	for _, test := range []struct {
		want   string
		change func(*specs.Spec)
	}{
		{`ociVersion: missing; want a version such as 1.3.0`, func(s *specs.Spec) { s.Version = "" }},
		{`ociVersion: want a version such as 1.3.0, got "1.0"`, func(s *specs.Spec) { s.Version = "1.0" }},
		{`ociVersion: want a version such as 1.3.0, got "v1.0.0"`, func(s *specs.Spec) { s.Version = "v1.0.0" }},
		{`ociVersion: want a version such as 1.3.0, got "1.0.0-"`, func(s *specs.Spec) { s.Version = "1.0.0-" }},
		{`ociVersion: want a version from 1.0.0 up to 2, got "2.0.0"`, func(s *specs.Spec) { s.Version = "2.0.0" }},
		{`ociVersion: want a version from 1.0.0 up to 2, got "0.6.0-dev"`, func(s *specs.Spec) { s.Version = "0.6.0-dev" }},
		{`root: missing; want an object with a path`, func(s *specs.Spec) { s.Root = nil }},
		{`root.path: missing; want a directory, absolute or below the bundle`, func(s *specs.Spec) { s.Root.Path = "" }},

		{`mounts[1].destination: missing; want a path in the container`, func(s *specs.Spec) { s.Mounts[1].Destination = "" }},
		{`mounts[1].destination: want a path below the root, got "a/..": that is root.path`, func(s *specs.Spec) { s.Mounts[1].Destination = "a/.." }},
		{`mounts[2].source: missing; a bind mount wants a path on the host`, func(s *specs.Spec) { s.Mounts[2].Source = "" }},
		{`mounts[2].gidMappings: missing; want them where there are uidMappings`, func(s *specs.Spec) { s.Mounts[2].GIDMappings = nil }},
		{`mounts[2].uidMappings: missing; want them where there are gidMappings`, func(s *specs.Spec) { s.Mounts[2].UIDMappings = nil }},
		{`mounts[2].uidMappings: missing; idmap wants them, or a user namespace to take them from`, func(s *specs.Spec) {
			s.Mounts[2].UIDMappings, s.Mounts[2].GIDMappings = nil, nil
			s.Linux.Namespaces = slices.Delete(s.Linux.Namespaces, 5, 6)
		}},
		{`mounts[2].uidMappings[0].size: want 1 or more, got 0`, func(s *specs.Spec) { s.Mounts[2].UIDMappings[0].Size = 0 }},
		{`mounts[2].gidMappings[0].size: want 1 or more, got 0`, func(s *specs.Spec) { s.Mounts[2].GIDMappings[0].Size = 0 }},

		{`process.consoleSize.height: want 0 to 65535, got 65536`, func(s *specs.Spec) { s.Process.ConsoleSize.Height = 65536 }},
		{`process.consoleSize.width: want 0 to 65535, got 65536`, func(s *specs.Spec) { s.Process.ConsoleSize.Width = 65536 }},
		{`process.cwd: want an absolute path, got "srv"`, func(s *specs.Spec) { s.Process.Cwd = "srv" }},
		{`process.env[1]: want NAME=value, got "TERM"`, func(s *specs.Spec) { s.Process.Env[1] = "TERM" }},
		{`process.env[1]: want NAME=value, got "=x"`, func(s *specs.Spec) { s.Process.Env[1] = "=x" }},
		{`process.args: want at least one string: the program`, func(s *specs.Spec) { s.Process.Args = nil }},
		{`process.user.uid: want 0 to 4294967294, got 4294967295, which means no id to the kernel`, func(s *specs.Spec) { s.Process.User.UID = math.MaxUint32 }},
		{`process.user.gid: want 0 to 4294967294, got 4294967295, which means no id to the kernel`, func(s *specs.Spec) { s.Process.User.GID = math.MaxUint32 }},
		{`process.user.additionalGids[1]: want 0 to 4294967294, got 4294967295, which means no id to the kernel`, func(s *specs.Spec) { s.Process.User.AdditionalGids[1] = math.MaxUint32 }},
		{`process.user.umask: want 0 to 511 (0777), got 512 (01000)`, func(s *specs.Spec) { *s.Process.User.Umask = 512 }},
		{`process.rlimits[1]: duplicate RLIMIT_NOFILE`, func(s *specs.Spec) { s.Process.Rlimits[1].Type = "RLIMIT_NOFILE" }},
		{`process.rlimits[0].type: want RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_LOCKS, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_RTPRIO or RLIMIT_RTTIME, got "NOFILE"`,
			func(s *specs.Spec) { s.Process.Rlimits[0].Type = "NOFILE" }},
		{`process.rlimits[0].soft: want RLIMIT_NOFILE at most the hard limit 1024, got 1025`, func(s *specs.Spec) { s.Process.Rlimits[0].Soft = 1025 }},
		{`process.oomScoreAdj: want -1000 to 1000, got 1001`, func(s *specs.Spec) { *s.Process.OOMScoreAdj = 1001 }},
		{`process.oomScoreAdj: want -1000 to 1000, got -1001`, func(s *specs.Spec) { *s.Process.OOMScoreAdj = -1001 }},
		{`process.scheduler.policy: want SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_ISO, SCHED_IDLE or SCHED_DEADLINE, got ""`, func(s *specs.Spec) { s.Process.Scheduler.Policy = "" }},
		{`process.scheduler.flags[0]: want SCHED_FLAG_RESET_ON_FORK, SCHED_FLAG_RECLAIM, SCHED_FLAG_DL_OVERRUN, SCHED_FLAG_KEEP_POLICY, SCHED_FLAG_KEEP_PARAMS, SCHED_FLAG_UTIL_CLAMP_MIN or SCHED_FLAG_UTIL_CLAMP_MAX, got "X"`,
			func(s *specs.Spec) { s.Process.Scheduler.Flags[0] = "X" }},
		{`process.scheduler.nice: want -20 to 19, got 20`, func(s *specs.Spec) { s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedOther, Nice: 20} }},
		{`process.scheduler.nice: want none with SCHED_DEADLINE, got 1; SCHED_OTHER and SCHED_BATCH have it`, func(s *specs.Spec) { s.Process.Scheduler.Nice = 1 }},
		{`process.scheduler.priority: want 1 to 99 with SCHED_RR, got 0`, func(s *specs.Spec) { s.Process.Scheduler = &specs.Scheduler{Policy: specs.SchedRR} }},
		{`process.scheduler.priority: want none with SCHED_DEADLINE, got 1; SCHED_FIFO and SCHED_RR have it`, func(s *specs.Spec) { s.Process.Scheduler.Priority = 1 }},
		{`process.scheduler: want no runtime, deadline or period with SCHED_IDLE; SCHED_DEADLINE has them`, func(s *specs.Spec) { s.Process.Scheduler.Policy = specs.SchedIdle }},
		{`process.scheduler: want 0 < runtime <= deadline <= period, got 10000, 20000, 5`, func(s *specs.Spec) { s.Process.Scheduler.Period = 5 }},
		{`process.ioPriority.class: want IOPRIO_CLASS_RT, IOPRIO_CLASS_BE or IOPRIO_CLASS_IDLE, got "IOPRIO_CLASS_NONE"`, func(s *specs.Spec) { s.Process.IOPriority.Class = "IOPRIO_CLASS_NONE" }},
		{`process.ioPriority.priority: want 0 to 7, got 8`, func(s *specs.Spec) { s.Process.IOPriority.Priority = 8 }},
		{`process.execCPUAffinity.initial: want a list such as 0-3,7, with numbers up to 65535, got "3-1"`, func(s *specs.Spec) { s.Process.ExecCPUAffinity.Initial = "0, 3-1" }},
		{`process.execCPUAffinity.final: want a list such as 0-3,7, with numbers up to 65535, got "99999"`, func(s *specs.Spec) { s.Process.ExecCPUAffinity.Final = "99999" }},

		{`hostname: want a uts namespace to set "heavy" in; linux.namespaces has none`, func(s *specs.Spec) { s.Linux.Namespaces = nil }},
		{`hostname: want a uts namespace to set "heavy" in; linux.namespaces has none`, func(s *specs.Spec) { s.Linux = nil }},
		{`domainname: want at most 64 bytes, got 65`, func(s *specs.Spec) { s.Domainname = string(make65()) }},
		{`hooks.prestart[0].path: want an absolute path, got "bin/x"`, func(s *specs.Spec) { s.Hooks.Prestart[0].Path = "bin/x" }}, //nolint:staticcheck // deprecated, and used
		{`hooks.prestart[0].timeout: want seconds above 0, got 0`, func(s *specs.Spec) { *s.Hooks.Prestart[0].Timeout = 0 }},       //nolint:staticcheck // deprecated, and used
		{`hooks.createRuntime[0].path: want an absolute path, got ""`, func(s *specs.Spec) { s.Hooks.CreateRuntime[0].Path = "" }},
		{`hooks.createContainer[0].path: want an absolute path, got ""`, func(s *specs.Spec) { s.Hooks.CreateContainer[0].Path = "" }},
		{`hooks.startContainer[0].path: want an absolute path, got ""`, func(s *specs.Spec) { s.Hooks.StartContainer[0].Path = "" }},
		{`hooks.poststart[0].path: want an absolute path, got ""`, func(s *specs.Spec) { s.Hooks.Poststart[0].Path = "" }},
		{`hooks.poststop[1].path: want an absolute path, got ""`, func(s *specs.Spec) { s.Hooks.Poststop[1].Path = "" }},
		{`annotations[""]: want a key that is not empty`, func(s *specs.Spec) { s.Annotations[""] = "" }},

		{`linux.namespaces[0].type: want pid, network, mount, ipc, uts, user, cgroup or time, got "PID"`, func(s *specs.Spec) { s.Linux.Namespaces[0].Type = "PID" }},
		{`linux.namespaces[6]: duplicate user namespace`, func(s *specs.Spec) { s.Linux.Namespaces[6].Type = specs.UserNamespace }},
		{`linux.namespaces[1].path: want an absolute path, got "ns"`, func(s *specs.Spec) { s.Linux.Namespaces[1].Path = "ns" }},
		{`linux.uidMappings: missing; a new user namespace wants at least one`, func(s *specs.Spec) { s.Linux.UIDMappings = nil }},
		{`linux.gidMappings: missing; a new user namespace wants at least one`, func(s *specs.Spec) { s.Linux.GIDMappings = nil }},
		{`linux.uidMappings: want a user namespace to map in; linux.namespaces has none`, func(s *specs.Spec) { s.Linux.Namespaces = slices.Delete(s.Linux.Namespaces, 5, 6) }},
		{`linux.uidMappings: want at most 340 entries, got 341`, func(s *specs.Spec) { s.Linux.UIDMappings = make([]specs.LinuxIDMapping, 341) }},
		{`linux.uidMappings[1].size: want 1 or more, got 0`, func(s *specs.Spec) { s.Linux.UIDMappings[1].Size = 0 }},
		{`linux.uidMappings[1]: want ids up to 4294967294, got containerID 4294967295 and size 1`, func(s *specs.Spec) { s.Linux.UIDMappings[1].ContainerID = math.MaxUint32 }},
		{`linux.uidMappings[1]: want ids up to 4294967294, got hostID 4294967295 and size 1`, func(s *specs.Spec) { s.Linux.UIDMappings[1].HostID = math.MaxUint32 }},
		{`linux.uidMappings[1]: containerID 65535 to 65535 overlaps that of linux.uidMappings[0]`, func(s *specs.Spec) { s.Linux.UIDMappings[1].ContainerID = 65535 }},
		{`linux.uidMappings[1]: hostID 100000 to 100000 overlaps that of linux.uidMappings[0]`, func(s *specs.Spec) { s.Linux.UIDMappings[1].HostID = 100000 }},
		{`linux.timeOffsets: want a new time namespace to set them in; linux.namespaces has none`, func(s *specs.Spec) { s.Linux.Namespaces[7].Path = "/proc/1/ns/time" }},
		{`linux.timeOffsets: want the clocks monotonic and boottime, got "realtime"`, func(s *specs.Spec) {
			s.Linux.TimeOffsets = map[string]specs.LinuxTimeOffset{"realtime": {}}
		}},
		{`linux.timeOffsets["boottime"].nanosecs: want 0 to 999999999, got 1000000000`, func(s *specs.Spec) {
			s.Linux.TimeOffsets["boottime"] = specs.LinuxTimeOffset{Nanosecs: 1e9}
		}},
		{`linux.devices[0].type: want c, b, u or p, got "a"`, func(s *specs.Spec) { s.Linux.Devices[0].Type = "a" }},
		{`linux.devices[0].path: want an absolute path, got "dev/fuse"`, func(s *specs.Spec) { s.Linux.Devices[0].Path = "dev/fuse" }},
		{`linux.devices[0].major: want 0 to 4095, got 4096`, func(s *specs.Spec) { s.Linux.Devices[0].Major = 4096 }},
		{`linux.devices[0].minor: want 0 to 1048575, got -1`, func(s *specs.Spec) { s.Linux.Devices[0].Minor = -1 }},
		{`linux.devices[0].uid: want 0 to 4294967294, got 4294967295, which means no id to the kernel`, func(s *specs.Spec) { *s.Linux.Devices[0].UID = math.MaxUint32 }},
		{`linux.devices[0].gid: want 0 to 4294967294, got 4294967295, which means no id to the kernel`, func(s *specs.Spec) { *s.Linux.Devices[0].GID = math.MaxUint32 }},
		{`linux.netDevices: want a network namespace to move them to; linux.namespaces has none`, func(s *specs.Spec) { s.Linux.Namespaces = slices.Delete(s.Linux.Namespaces, 1, 2) }},
		{`linux.netDevices["a/b"]: want the name of a network device`, func(s *specs.Spec) { s.Linux.NetDevices["a/b"] = specs.LinuxNetDevice{} }},
		{`linux.netDevices["eth1"].name: want the name of a network device, got "sixteen-letters-"`, func(s *specs.Spec) { s.Linux.NetDevices["eth1"] = specs.LinuxNetDevice{Name: "sixteen-letters-"} }},

		{`linux.resources.devices[1].type: want a, b or c, got "p"`, func(s *specs.Spec) { s.Linux.Resources.Devices[1].Type = "p" }},
		{`linux.resources.devices[1].access: want some of rwm, got ""`, func(s *specs.Spec) { s.Linux.Resources.Devices[1].Access = "" }},
		{`linux.resources.devices[1].access: want some of rwm, got "rx"`, func(s *specs.Spec) { s.Linux.Resources.Devices[1].Access = "rx" }},
		{`linux.resources.devices[1].major: want a device number, or -1 for all, got -2`, func(s *specs.Spec) { *s.Linux.Resources.Devices[1].Major = -2 }},
		{`linux.resources.devices[1].minor: want a device number, or -1 for all, got 4294967296`, func(s *specs.Spec) { *s.Linux.Resources.Devices[1].Minor = 1 << 32 }},
		{`linux.resources.memory.limit: want bytes, or -1 for no limit, got -2`, func(s *specs.Spec) { *s.Linux.Resources.Memory.Limit = -2 }},
		{`linux.resources.memory.kernelTCP: want bytes, or -1 for no limit, got -2`, func(s *specs.Spec) { *s.Linux.Resources.Memory.KernelTCP = -2 }},
		{`linux.resources.memory.swappiness: want 0 to 100, got 101`, func(s *specs.Spec) { *s.Linux.Resources.Memory.Swappiness = 101 }},
		{`linux.resources.cpu.idle: want 0 or 1, got 2`, func(s *specs.Spec) { *s.Linux.Resources.CPU.Idle = 2 }},
		{`linux.resources.blockIO.weightDevice[1]: want weight, leafWeight or both`, func(s *specs.Spec) { s.Linux.Resources.BlockIO.WeightDevice[1].Weight = nil }},
		{`linux.resources.blockIO.weightDevice[1].major: want 0 to 4095, got -1`, func(s *specs.Spec) { s.Linux.Resources.BlockIO.WeightDevice[1].Major = -1 }},
		{`linux.resources.blockIO.throttleReadBpsDevice[0].minor: want 0 to 1048575, got -1`, func(s *specs.Spec) { s.Linux.Resources.BlockIO.ThrottleReadBpsDevice[0].Minor = -1 }},
		{`linux.resources.blockIO.throttleWriteIOPSDevice[0].major: want 0 to 4095, got 5000`, func(s *specs.Spec) { s.Linux.Resources.BlockIO.ThrottleWriteIOPSDevice[0].Major = 5000 }},
		{`linux.resources.hugepageLimits[1].pageSize: want a size such as 64KB, 2MB or 1GB, got "64kB"`, func(s *specs.Spec) { s.Linux.Resources.HugepageLimits[1].Pagesize = "64kB" }},
		{`linux.resources.hugepageLimits[1].pageSize: want a size such as 64KB, 2MB or 1GB, got "02MB"`, func(s *specs.Spec) { s.Linux.Resources.HugepageLimits[1].Pagesize = "02MB" }},
		{`linux.resources.network.priorities[0].name: missing; want the name of a network device`, func(s *specs.Spec) { s.Linux.Resources.Network.Priorities[0].Name = "" }},
		{`linux.resources.rdma["mlx4_0"]: want hcaHandles, hcaObjects or both`, func(s *specs.Spec) { s.Linux.Resources.Rdma["mlx4_0"] = specs.LinuxRdma{} }},
		{`linux.resources.unified["../memory.max"]: must be a file name (no slashes)`, func(s *specs.Spec) { s.Linux.Resources.Unified["../memory.max"] = "" }},
		{`linux.resources.unified["memory"]: must be in the form CONTROLLER.PARAMETER`, func(s *specs.Spec) { s.Linux.Resources.Unified["memory"] = "" }},

		{`linux.intelRdt.closID: want a name without slashes, or /, got ".."`, func(s *specs.Spec) { s.Linux.IntelRdt.ClosID = ".." }},
		{`linux.intelRdt.closID: want a name without slashes, or /, got "a/b"`, func(s *specs.Spec) { s.Linux.IntelRdt.ClosID = "a/b" }},
		{`linux.intelRdt.l3CacheSchema: want one line, got "L3:\nMB:"`, func(s *specs.Spec) { s.Linux.IntelRdt.L3CacheSchema = "L3:\nMB:" }},
		{`linux.intelRdt.memBwSchema: want one line that begins with MB:, got "L3:0=1"`, func(s *specs.Spec) { s.Linux.IntelRdt.MemBwSchema = "L3:0=1" }},
		{`linux.intelRdt.schemata[1]: want one line, got "a\nb"`, func(s *specs.Spec) { s.Linux.IntelRdt.Schemata[1] = "a\nb" }},
		{`linux.memoryPolicy.mode: invalid memory policy: mode "MPOL_X"`, func(s *specs.Spec) { s.Linux.MemoryPolicy.Mode = "MPOL_X" }},
		{`linux.memoryPolicy.flags[0]: invalid memory policy: flag "MPOL_F_X"`, func(s *specs.Spec) { s.Linux.MemoryPolicy.Flags[0] = "MPOL_F_X" }},
		{`linux.memoryPolicy.flags: invalid memory policy: flag "MPOL_F_RELATIVE_NODES" with flag "MPOL_F_STATIC_NODES"`, func(s *specs.Spec) {
			s.Linux.MemoryPolicy.Flags = append(s.Linux.MemoryPolicy.Flags, specs.MpolFRelativeNodes)
		}},
		{`linux.memoryPolicy.nodes: invalid memory policy: node: want a list such as 0-3,7, with numbers up to 65535, got "a"`, func(s *specs.Spec) { s.Linux.MemoryPolicy.Nodes = "0,a" }},
		{`linux.memoryPolicy.nodes: invalid memory policy: mode MPOL_DEFAULT wants no node, got "2-3"`, func(s *specs.Spec) { s.Linux.MemoryPolicy.Mode = specs.MpolDefault }},
		{`linux.memoryPolicy.nodes: invalid memory policy: mode MPOL_INTERLEAVE wants a node, got none`, func(s *specs.Spec) { s.Linux.MemoryPolicy.Nodes = "" }},

		{`linux.sysctl["kernel.hostname"]: not allowed, as it conflicts with hostname: use that`, func(s *specs.Spec) { s.Linux.Sysctl["kernel.hostname"] = "x" }},
		{`linux.sysctl["vm/swappiness"]: not in a separate kernel namespace: it would change the host`, func(s *specs.Spec) { s.Linux.Sysctl["vm/swappiness"] = "1" }},
		{`linux.sysctl["net.//.kernel.core_pattern"]: want a parameter such as net.ipv4.ip_forward`, func(s *specs.Spec) { s.Linux.Sysctl["net.//.kernel.core_pattern"] = "1" }},
		{`linux.sysctl["kernel.msgmax"]: not allowed in the host's ipc namespace; linux.namespaces has none`, func(s *specs.Spec) {
			s.Linux.Namespaces = slices.Delete(s.Linux.Namespaces, 2, 3)
			s.Linux.Sysctl = map[string]string{"kernel.msgmax": "1"}
		}},

		{`linux.seccomp.defaultAction: want SCMP_ACT_KILL, SCMP_ACT_KILL_PROCESS, SCMP_ACT_KILL_THREAD, SCMP_ACT_TRAP, SCMP_ACT_ERRNO, SCMP_ACT_TRACE, SCMP_ACT_ALLOW, SCMP_ACT_LOG or SCMP_ACT_NOTIFY, got ""`, func(s *specs.Spec) { s.Linux.Seccomp.DefaultAction = "" }},
		{`linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be used as default action`, func(s *specs.Spec) {
			s.Linux.Seccomp.DefaultAction, s.Linux.Seccomp.DefaultErrnoRet = specs.ActNotify, nil
		}},
		{`linux.seccomp.defaultErrnoRet: want none with SCMP_ACT_ALLOW, got 38; SCMP_ACT_ERRNO and SCMP_ACT_TRACE have it`, func(s *specs.Spec) { s.Linux.Seccomp.DefaultAction = specs.ActAllow }},
		{`linux.seccomp.defaultErrnoRet: want 0 to 4095 with SCMP_ACT_ERRNO, got 4096`, func(s *specs.Spec) { *s.Linux.Seccomp.DefaultErrnoRet = 4096 }},
		{`linux.seccomp.architectures[1]: want SCMP_ARCH_X86, SCMP_ARCH_X86_64, SCMP_ARCH_X32, SCMP_ARCH_ARM, SCMP_ARCH_AARCH64, SCMP_ARCH_MIPS, SCMP_ARCH_MIPS64, SCMP_ARCH_MIPS64N32, SCMP_ARCH_MIPSEL, SCMP_ARCH_MIPSEL64, SCMP_ARCH_MIPSEL64N32, SCMP_ARCH_PPC, SCMP_ARCH_PPC64, SCMP_ARCH_PPC64LE, SCMP_ARCH_S390, SCMP_ARCH_S390X, SCMP_ARCH_PARISC, SCMP_ARCH_PARISC64, SCMP_ARCH_RISCV64, SCMP_ARCH_LOONGARCH64, SCMP_ARCH_M68K, SCMP_ARCH_SH or SCMP_ARCH_SHEB, got "amd64"`,
			func(s *specs.Spec) { s.Linux.Seccomp.Architectures[1] = "amd64" }},
		{`linux.seccomp.flags[0]: want SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_FILTER_FLAG_LOG, SECCOMP_FILTER_FLAG_SPEC_ALLOW or SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, got "LOG"`, func(s *specs.Spec) { s.Linux.Seccomp.Flags[0] = "LOG" }},
		{`linux.seccomp.listenerPath: missing; want it where there is listenerMetadata`, func(s *specs.Spec) { s.Linux.Seccomp.ListenerPath = "" }},
		{`linux.seccomp.syscalls[0].names: want at least one system call`, func(s *specs.Spec) { s.Linux.Seccomp.Syscalls[0].Names = nil }},
		{`linux.seccomp.syscalls[0].action: want SCMP_ACT_KILL, SCMP_ACT_KILL_PROCESS, SCMP_ACT_KILL_THREAD, SCMP_ACT_TRAP, SCMP_ACT_ERRNO, SCMP_ACT_TRACE, SCMP_ACT_ALLOW, SCMP_ACT_LOG or SCMP_ACT_NOTIFY, got "ALLOW"`, func(s *specs.Spec) { s.Linux.Seccomp.Syscalls[0].Action = "ALLOW" }},
		{`linux.seccomp.syscalls[1].errnoRet: want none with SCMP_ACT_KILL, got 1; SCMP_ACT_ERRNO and SCMP_ACT_TRACE have it`, func(s *specs.Spec) { s.Linux.Seccomp.Syscalls[1].Action = specs.ActKill }},
		{`linux.seccomp.syscalls[3].errnoRet: want 0 to 65535 with SCMP_ACT_TRACE, got 65536`, func(s *specs.Spec) { *s.Linux.Seccomp.Syscalls[3].ErrnoRet = 65536 }},
		{`linux.seccomp.syscalls[2].action: SCMP_ACT_NOTIFY cannot be used for the write syscall`, func(s *specs.Spec) { s.Linux.Seccomp.Syscalls[2].Names[0] = "write" }},
		{`linux.seccomp.syscalls[2].action: SCMP_ACT_NOTIFY wants linux.seccomp.listenerPath, which is missing`, func(s *specs.Spec) {
			s.Linux.Seccomp.ListenerPath, s.Linux.Seccomp.ListenerMetadata = "", ""
		}},
		{`linux.seccomp.syscalls[1].args[1].index: want 0 to 5, got 6`, func(s *specs.Spec) { s.Linux.Seccomp.Syscalls[1].Args[1].Index = 6 }},
		{`linux.seccomp.syscalls[1].args[1].op: want SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE, SCMP_CMP_EQ, SCMP_CMP_GE, SCMP_CMP_GT or SCMP_CMP_MASKED_EQ, got "=="`, func(s *specs.Spec) { s.Linux.Seccomp.Syscalls[1].Args[1].Op = "==" }},

		{`linux.rootfsPropagation: want private, shared, slave, unbindable, rprivate, rshared, rslave or runbindable, got "rw"`, func(s *specs.Spec) { s.Linux.RootfsPropagation = "rw" }},
		{`linux.maskedPaths[0]: want an absolute path, got "kcore"`, func(s *specs.Spec) { s.Linux.MaskedPaths[0] = "kcore" }},
		{`linux.readonlyPaths[0]: want an absolute path, got ""`, func(s *specs.Spec) { s.Linux.ReadonlyPaths[0] = "" }},
		{`linux.maskedPaths: want a mount namespace to hide them in; linux.namespaces has none`, func(s *specs.Spec) { s.Linux.Namespaces = slices.Delete(s.Linux.Namespaces, 4, 5) }},
		{`linux.personality.domain: want LINUX or LINUX32, got ""`, func(s *specs.Spec) { s.Linux.Personality.Domain = "" }},

		{`hostname: has a NUL byte, want none`, func(s *specs.Spec) { s.Hostname = "a\x00b" }},
		{`process.args[1]: has a NUL byte, want none`, func(s *specs.Spec) { s.Process.Args[1] = "\x00" }},
		{`mounts[2].options[0]: has a NUL byte, want none`, func(s *specs.Spec) { s.Mounts[2].Options[0] = "rbind\x00" }},
		{`annotations["a\x00"]: has a NUL byte, want none`, func(s *specs.Spec) { s.Annotations["a\x00"] = "" }},
		{`linux.sysctl["kernel.sem"]: has a NUL byte, want none`, func(s *specs.Spec) { s.Linux.Sysctl["kernel.sem"] = "\x00" }},
		{`linux.resources.rdma["\x00"]: has a NUL byte, want none`, func(s *specs.Spec) { s.Linux.Resources.Rdma["\x00"] = specs.LinuxRdma{} }},
		{`linux.netDevices["eth1"].name: has a NUL byte, want none`, func(s *specs.Spec) { s.Linux.NetDevices["eth1"] = specs.LinuxNetDevice{Name: "\x00"} }},
		{`linux.seccomp.syscalls[0].names[1]: has a NUL byte, want none`, func(s *specs.Spec) { s.Linux.Seccomp.Syscalls[0].Names[1] = "\x00" }},
		{`linux.namespaces[1].path: has a NUL byte, want none`, func(s *specs.Spec) { s.Linux.Namespaces[1].Path = "/a\x00" }},
	} {
		s := everything(t)
		test.change(s)
		err := Validate(s)
		if err == nil {
			t.Errorf("accepted, want %s", test.want)
			continue
		}
		valid(t, err)
		if err.Error() != test.want {
			t.Errorf("\n got %s\nwant %s", err, test.want)
		}
	}
}

func make65() []byte { return slices.Repeat([]byte("x"), 65) }

func TestValidateParts(t *testing.T) {
	if err := ValidateProcess(everything(t).Process); err != nil {
		t.Error(err)
	}
	if err := ValidateProcess(&specs.Process{Cwd: "/", Args: []string{"a\x00"}}); err == nil ||
		err.Error() != "process.args[0]: has a NUL byte, want none" {
		t.Error(err)
	}
	if err := ValidateProcess(&specs.Process{Cwd: "x"}); err == nil || err.Error() != `process.cwd: want an absolute path, got "x"` {
		t.Error(err)
	}
	if err := ValidateResources(everything(t).Linux.Resources); err != nil {
		t.Error(err)
	}
	if err := ValidateResources(&specs.LinuxResources{Unified: map[string]string{"a\x00": ""}}); err == nil ||
		err.Error() != `linux.resources.unified["a\x00"]: has a NUL byte, want none` {
		t.Error(err)
	}
}

func TestWarnings(t *testing.T) {
	want := []string{
		`process.capabilities: unknown capability "CAP_OF_TOMORROW" is ignored`,
		`mounts[2].destination: "data" is relative, which is deprecated; it is taken from /`,
		`linux.personality.flags: there are none; ignored`,
	}
	if got := Warnings(everything(t)); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if got := Warnings(&specs.Spec{}); got != nil {
		t.Errorf("got %q", got)
	}
}

// A good configuration costs no text, as validation is on the way of every
// create: the one allocation is the nulScan.
func TestValidateAllocations(t *testing.T) {
	s, err := Decode("config.json", Example(ExampleOptions{Rootless: true}))
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(10, func() { err = Validate(s) }); n > 1 || err != nil {
		t.Errorf("%v allocations, error %v", n, err)
	}
}
