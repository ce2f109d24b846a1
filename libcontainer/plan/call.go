// SPDX-License-Identifier: Apache-2.0

package plan

// Call names one system call. The number behind the name depends on the architecture and is
// known to the executor alone, so a Program is the same text everywhere.
type Call uint8

// The system calls a plan may make. All of them exist on every architecture that Linux has
// gained since 2012, which is why the *at forms stand alone.
const (
	_ Call = iota
	Capset
	Chdir
	Chroot
	Clone3
	Close
	CloseRange
	Dup3
	Execve
	Execveat
	ExitGroup
	Faccessat2
	Fchdir
	Fchmodat
	Fchownat
	Fcntl
	Fsconfig
	Fsetxattr
	Fsmount
	Fsopen
	Fspick
	Getpid
	Ioctl
	IoprioSet
	Keyctl
	Kill
	Linkat
	Madvise
	Mkdirat
	Mknodat
	Mount
	MountSetattr
	MoveMount
	Munmap
	OpenTree
	Openat2
	Personality
	PivotRoot
	Prctl
	Prlimit64
	Read
	Recvmsg
	RtSigprocmask
	SchedSetaffinity
	SchedSetattr
	Seccomp
	Sendmsg
	SetMempolicy
	Setdomainname
	Setgroups
	Sethostname
	Setns
	Setresgid
	Setresuid
	Setsid
	Socket
	Statx
	Symlinkat
	Umask
	Umount2
	Unlinkat
	Unshare
	Wait4
	Write
	numCalls
)

// NumCalls is one more than the highest Call.
const NumCalls = int(numCalls)

// Param says what an argument of a system call is: how it is printed and what may stand there.
type Param uint8

// The kinds of argument. Those from Path on are addresses.
const (
	None         Param = iota
	Int                // a signed number
	Size               // an unsigned number, in bytes where it measures something
	Desc               // a descriptor
	Mode               // permission bits, octal
	DevNo              // a device number, major:minor
	UID                // a user or group id; -1 leaves it alone
	Signal             // a signal number
	NSFlags            // CLONE_NEW* (setns, unshare)
	OpenFlags          // O_*
	TreeFlags          // OPEN_TREE_*, AT_*
	MoveFlags          // MOVE_MOUNT_*
	FsopenFlags        // FSOPEN_*
	FspickFlags        // FSPICK_*
	FsconfigCmd        // FSCONFIG_*
	FsmountFlags       // FSMOUNT_*
	AttrFlags          // MOUNT_ATTR_*
	AtFlags            // AT_*
	UmountFlags        // MNT_*
	MountFlags         // MS_*
	PrctlOp            // PR_*
	IoctlOp            // TIOC*, SIOC*
	FcntlOp            // F_*
	KeyctlOp           // KEYCTL_*
	SeccompOp          // SECCOMP_SET_*
	RlimitName         // RLIMIT_*
	SigHow             // SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK
	Advice             // MADV_*
	AccessMode         // F_OK, R_OK | W_OK | X_OK
	CloseFlags         // CLOSE_RANGE_*
	Hex                // any other word

	Path      // a NUL-terminated path
	String    // a NUL-terminated string, or nothing (null)
	Bytes     // bytes whose number is the next argument
	Buffer    // memory that the kernel writes; its size is the next argument
	How       // struct open_how
	Attr      // struct mount_attr
	CloneArgs // struct clone_args
	Vector    // a null-terminated array of strings: argv or envp
	Message   // struct msghdr with one byte and one descriptor (SCM_RIGHTS)
	CapHeader // struct __user_cap_header_struct
	CapData   // two struct __user_cap_data_struct
	Rlimit    // struct rlimit64
	Sigset    // a set of signals, 64 bits
	GroupList // an array of gid_t whose length is the argument before it
	MMMap     // struct prctl_mm_map, filled by the executor with the arena's own bounds
	Winsize   // struct winsize
	SchedAttr // struct sched_attr, first version
	Ifreq     // struct ifreq: a name and flags
	IntArg    // an int in memory
	Word      // a slot
	StatBuf   // struct statx, whose mode word is a value that the program may use
	RawStruct // any other structure: printed as bytes, its size is in Object
)

// Result says what a system call returns.
type Result uint8

// The kinds of result.
const (
	Nothing Result = iota // zero
	Value                 // a number
	Opened                // a new descriptor
	Never                 // does not return when it succeeds
)

// Signature describes a system call: its kernel name, arguments in order, and result.
type Signature struct {
	Name   string
	Params [6]Param
	Result Result
}

// Signature gives the description of c; the zero Signature for a Call that is none.
func (c Call) Signature() *Signature {
	if int(c) >= len(signatures) {
		c = 0
	}
	return &signatures[c]
}

func (c Call) String() string { return c.Signature().Name }

var signatures = [numCalls]Signature{
	Capset:           {"capset", [6]Param{CapHeader, CapData}, Nothing},
	Chdir:            {"chdir", [6]Param{Path}, Nothing},
	Chroot:           {"chroot", [6]Param{Path}, Nothing},
	Clone3:           {"clone3", [6]Param{CloneArgs, Size}, Value},
	Close:            {"close", [6]Param{Desc}, Nothing},
	CloseRange:       {"close_range", [6]Param{Size, Size, CloseFlags}, Nothing},
	Dup3:             {"dup3", [6]Param{Desc, Desc, OpenFlags}, Value},
	Execve:           {"execve", [6]Param{Path, Vector, Vector}, Never},
	Execveat:         {"execveat", [6]Param{Desc, Path, Vector, Vector, AtFlags}, Never},
	ExitGroup:        {"exit_group", [6]Param{Int}, Never},
	Faccessat2:       {"faccessat2", [6]Param{Desc, Path, AccessMode, AtFlags}, Nothing},
	Fchdir:           {"fchdir", [6]Param{Desc}, Nothing},
	Fchmodat:         {"fchmodat", [6]Param{Desc, Path, Mode}, Nothing},
	Fchownat:         {"fchownat", [6]Param{Desc, Path, UID, UID, AtFlags}, Nothing},
	Fcntl:            {"fcntl", [6]Param{Desc, FcntlOp, Int}, Value},
	Fsconfig:         {"fsconfig", [6]Param{Desc, FsconfigCmd, String, String, Int}, Nothing},
	Fsetxattr:        {"fsetxattr", [6]Param{Desc, String, Bytes, Size, Int}, Nothing},
	Fsmount:          {"fsmount", [6]Param{Desc, FsmountFlags, AttrFlags}, Opened},
	Fsopen:           {"fsopen", [6]Param{String, FsopenFlags}, Opened},
	Fspick:           {"fspick", [6]Param{Desc, Path, FspickFlags}, Opened},
	Getpid:           {"getpid", [6]Param{}, Value},
	Ioctl:            {"ioctl", [6]Param{Desc, IoctlOp, Hex}, Value},
	IoprioSet:        {"ioprio_set", [6]Param{Int, Int, Hex}, Nothing},
	Keyctl:           {"keyctl", [6]Param{KeyctlOp, Hex, Hex, Hex, Hex}, Value},
	Kill:             {"kill", [6]Param{Int, Signal}, Nothing},
	Linkat:           {"linkat", [6]Param{Desc, Path, Desc, Path, AtFlags}, Nothing},
	Madvise:          {"madvise", [6]Param{Hex, Size, Advice}, Nothing},
	Mkdirat:          {"mkdirat", [6]Param{Desc, Path, Mode}, Nothing},
	Mknodat:          {"mknodat", [6]Param{Desc, Path, Mode, DevNo}, Nothing},
	Mount:            {"mount", [6]Param{String, Path, String, MountFlags, String}, Nothing},
	MountSetattr:     {"mount_setattr", [6]Param{Desc, Path, AtFlags, Attr, Size}, Nothing},
	MoveMount:        {"move_mount", [6]Param{Desc, Path, Desc, Path, MoveFlags}, Nothing},
	Munmap:           {"munmap", [6]Param{Hex, Size}, Nothing},
	OpenTree:         {"open_tree", [6]Param{Desc, Path, TreeFlags}, Opened},
	Openat2:          {"openat2", [6]Param{Desc, Path, How, Size}, Opened},
	Personality:      {"personality", [6]Param{Hex}, Value},
	PivotRoot:        {"pivot_root", [6]Param{Path, Path}, Nothing},
	Prctl:            {"prctl", [6]Param{PrctlOp, Hex, Hex, Hex, Hex}, Value},
	Prlimit64:        {"prlimit64", [6]Param{Int, RlimitName, Rlimit, Hex}, Nothing},
	Read:             {"read", [6]Param{Desc, Buffer, Size}, Value},
	Recvmsg:          {"recvmsg", [6]Param{Desc, Message, Hex}, Value},
	RtSigprocmask:    {"rt_sigprocmask", [6]Param{SigHow, Sigset, Hex, Size}, Nothing},
	SchedSetaffinity: {"sched_setaffinity", [6]Param{Int, Size, RawStruct}, Nothing},
	SchedSetattr:     {"sched_setattr", [6]Param{Int, SchedAttr, Hex}, Nothing},
	Seccomp:          {"seccomp", [6]Param{SeccompOp, Hex, RawStruct}, Value},
	Sendmsg:          {"sendmsg", [6]Param{Desc, Message, Hex}, Value},
	SetMempolicy:     {"set_mempolicy", [6]Param{Hex, RawStruct, Size}, Nothing},
	Setdomainname:    {"setdomainname", [6]Param{Bytes, Size}, Nothing},
	Setgroups:        {"setgroups", [6]Param{Size, GroupList}, Nothing},
	Sethostname:      {"sethostname", [6]Param{Bytes, Size}, Nothing},
	Setns:            {"setns", [6]Param{Desc, NSFlags}, Nothing},
	Setresgid:        {"setresgid", [6]Param{UID, UID, UID}, Nothing},
	Setresuid:        {"setresuid", [6]Param{UID, UID, UID}, Nothing},
	Setsid:           {"setsid", [6]Param{}, Value},
	Socket:           {"socket", [6]Param{Int, Hex, Int}, Opened},
	Statx:            {"statx", [6]Param{Desc, Path, AtFlags, Hex, StatBuf}, Nothing},
	Symlinkat:        {"symlinkat", [6]Param{Path, Desc, Path}, Nothing},
	Umask:            {"umask", [6]Param{Mode}, Value},
	Umount2:          {"umount2", [6]Param{Path, UmountFlags}, Nothing},
	Unlinkat:         {"unlinkat", [6]Param{Desc, Path, AtFlags}, Nothing},
	Unshare:          {"unshare", [6]Param{NSFlags}, Nothing},
	Wait4:            {"wait4", [6]Param{Int, Hex, Int, Hex}, Value},
	Write:            {"write", [6]Param{Desc, Bytes, Size}, Value},
}
