// SPDX-License-Identifier: Apache-2.0

package plan

import "encoding/binary"

// This file has one Builder method for each system call, named after it, with its arguments
// in the kernel's order. Where the kernel wants a size, the method gives it.

// Vec is an array of strings in the program's memory, for Execve.
type Vec struct{ arg Arg }

// Strings lays out argv or envp.
func (b *Builder) Strings(list []string) Vec { return Vec{b.vector(list)} }

// Memory is a buffer of the program.
type Memory struct {
	arg  Arg
	size int
}

// Buffer makes room for n bytes that a call fills.
func (b *Builder) Buffer(n int) Memory { return Memory{b.data(Buffer, make([]byte, n)), n} }

// Capset sets the effective, permitted and inheritable capabilities of the process, as bit
// masks (capset(2), version 3).
func (b *Builder) Capset(effective, permitted, inheritable uint64) Step {
	head := make([]byte, 8)
	binary.NativeEndian.PutUint32(head, 0x20080522) // _LINUX_CAPABILITY_VERSION_3
	var data [24]byte
	for i, set := range [...]uint64{effective, permitted, inheritable} {
		binary.NativeEndian.PutUint32(data[4*i:], uint32(set))
		binary.NativeEndian.PutUint32(data[12+4*i:], uint32(set>>32))
	}
	return b.add(Capset, b.data(CapHeader, head), b.data(CapData, data[:]))
}

func (b *Builder) Chdir(path string) Step { return b.add(Chdir, b.text(Path, path)) }

func (b *Builder) Chroot(path string) Step { return b.add(Chroot, b.text(Path, path)) }

// Clone is what the program asks of a clone3 of its own.
type Clone struct {
	Flags      uint64
	ExitSignal int
	Cgroup     FD // with CLONE_INTO_CGROUP
}

// Clone3 makes a process that goes on with the same program at child; the caller goes on with
// the next instruction, and its result is the new pid.
func (b *Builder) Clone3(c Clone, child Label) Step {
	w := make([]uint64, 11)
	w[0], w[4] = c.Flags, uint64(c.ExitSignal)
	args := b.words(CloneArgs, w...)
	if c.Cgroup != (FD{}) {
		b.embed(uint32(args.Value)+80, c.Cgroup)
	}
	return b.add(Clone3, args, num(88)).ZeroFails().OnError(ZeroErrno, child)
}

func (b *Builder) Close(fd FD) Step { return b.add(Close, fd.arg) }

func (b *Builder) CloseRange(first, last uint32, flag uint32) Step {
	return b.add(CloseRange, flags(first), flags(last), flags(flag))
}

func (b *Builder) Dup3(old, new FD, flag uint32) Step {
	return b.add(Dup3, old.arg, new.arg, flags(flag))
}

func (b *Builder) Execve(path string, argv, envp Vec) Step {
	return b.add(Execve, b.text(Path, path), argv.arg, envp.arg)
}

func (b *Builder) Execveat(dir FD, path string, argv, envp Vec, flag uint32) Step {
	return b.add(Execveat, dir.arg, b.text(Path, path), argv.arg, envp.arg, flags(flag))
}

func (b *Builder) ExitGroup(code int) Step { return b.add(ExitGroup, num(code)) }

func (b *Builder) Faccessat2(dir FD, path string, mode, flag uint32) Step {
	return b.add(Faccessat2, dir.arg, b.text(Path, path), flags(mode), flags(flag))
}

func (b *Builder) Fchdir(fd FD) Step { return b.add(Fchdir, fd.arg) }

func (b *Builder) Fchmodat(dir FD, path string, mode uint32) Step {
	return b.add(Fchmodat, dir.arg, b.text(Path, path), flags(mode))
}

// Fchownat gives path a new owner; a uid or gid of -1 stays.
func (b *Builder) Fchownat(dir FD, path string, uid, gid int, flag uint32) Step {
	return b.add(Fchownat, dir.arg, b.text(Path, path), num(uid), num(gid), flags(flag))
}

func (b *Builder) Fcntl(fd FD, op uint32, arg int) Step {
	return b.add(Fcntl, fd.arg, flags(op), num(arg))
}

// FsconfigFlag, FsconfigString, FsconfigFD and FsconfigCmd are the forms of fsconfig(2).
func (b *Builder) FsconfigFlag(fs FD, key string) Step {
	return b.add(Fsconfig, fs.arg, num(0), b.text(String, key), Arg{}, Arg{})
}

func (b *Builder) FsconfigString(fs FD, key, value string) Step {
	return b.add(Fsconfig, fs.arg, num(1), b.text(String, key), b.text(String, value), Arg{})
}

func (b *Builder) FsconfigFD(fs FD, key string, fd FD) Step {
	return b.add(Fsconfig, fs.arg, num(5), b.text(String, key), Arg{}, fd.arg)
}

// FsconfigCreate makes the superblock (FSCONFIG_CMD_CREATE).
func (b *Builder) FsconfigCreate(fs FD) Step {
	return b.add(Fsconfig, fs.arg, num(6), Arg{}, Arg{}, Arg{})
}

// FsconfigReconfigure changes a superblock that Fspick has taken up.
func (b *Builder) FsconfigReconfigure(fs FD) Step {
	return b.add(Fsconfig, fs.arg, num(7), Arg{}, Arg{}, Arg{})
}

// Fsetxattr sets an extended attribute, whether it is there or not.
func (b *Builder) Fsetxattr(fd FD, key, value string) Step {
	return b.add(Fsetxattr, fd.arg, b.text(String, key), b.data(Bytes, []byte(value)), num(len(value)), num(0))
}

func (b *Builder) Fsmount(fs FD, flag, attr uint32) Step {
	return b.add(Fsmount, fs.arg, flags(flag), flags(attr))
}

func (b *Builder) Fsopen(name string, flag uint32) Step {
	return b.add(Fsopen, b.text(String, name), flags(flag))
}

// Fspick opens a filesystem context for the superblock of the mount behind fd.
func (b *Builder) Fspick(fd FD) Step {
	const flag = 0x1 | 0x8 // FSPICK_CLOEXEC | FSPICK_EMPTY_PATH
	return b.add(Fspick, fd.arg, b.text(Path, ""), flags(flag))
}

func (b *Builder) Getpid() Step { return b.add(Getpid) }

func (b *Builder) Ioctl(fd FD, op uint32, arg uint64) Step {
	return b.add(Ioctl, fd.arg, flags(op), word(arg))
}

// IoctlInt is an ioctl whose argument is the address of an int.
func (b *Builder) IoctlInt(fd FD, op uint32, value int32) Step {
	return b.add(Ioctl, fd.arg, flags(op), b.data(IntArg, binary.NativeEndian.AppendUint32(nil, uint32(value))))
}

// IoctlBytes is an ioctl whose argument is the address of a structure.
func (b *Builder) IoctlBytes(fd FD, op uint32, p Param, content []byte) Step {
	return b.add(Ioctl, fd.arg, flags(op), b.data(p, content))
}

func (b *Builder) IoprioSet(which, who int, ioprio uint64) Step {
	return b.add(IoprioSet, num(which), num(who), word(ioprio))
}

// KeyctlJoin joins or makes the session keyring of that name; its serial is the result.
func (b *Builder) KeyctlJoin(name string) Step {
	return b.add(Keyctl, num(1), b.text(String, name))
}

// KeyctlSetPerm sets the permission mask of the key in slot.
func (b *Builder) KeyctlSetPerm(key Slot, perm uint32) Step {
	return b.add(Keyctl, num(5), key.Value(), flags(perm))
}

func (b *Builder) Kill(pid, signal int) Step { return b.add(Kill, num(pid), num(signal)) }

// DropInstructions gives the pages of the program before this instruction back to the kernel
// (MADV_DONTNEED); the executor fills in the range. Nothing jumps back, so nothing misses them.
func (b *Builder) DropInstructions() Step { return b.add(Madvise, Arg{}, Arg{}, num(4)) }

func (b *Builder) Mkdirat(dir FD, path string, mode uint32) Step {
	return b.add(Mkdirat, dir.arg, b.text(Path, path), flags(mode))
}

// Mknodat makes a node; mode has the type bits, dev is in the kernel's encoding (unix.Mkdev).
func (b *Builder) Mknodat(dir FD, path string, mode uint32, dev uint64) Step {
	return b.add(Mknodat, dir.arg, b.text(Path, path), flags(mode), word(dev))
}

// MountAttr is struct mount_attr. UserNS is the user namespace of an idmapped mount.
type MountAttr struct {
	Set, Clear, Propagation uint64
	UserNS                  FD
}

func (b *Builder) MountSetattr(fd FD, path string, flag uint32, a MountAttr) Step {
	attr := b.words(Attr, a.Set, a.Clear, a.Propagation, 0)
	if a.UserNS != (FD{}) {
		b.embed(uint32(attr.Value)+24, a.UserNS)
	}
	return b.add(MountSetattr, fd.arg, b.text(Path, path), flags(flag), attr, num(32))
}

// MoveMount attaches the mount from to the place to, both given by descriptor alone.
func (b *Builder) MoveMount(from, to FD) Step {
	const both = 0x4 | 0x40 // MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH
	return b.add(MoveMount, from.arg, b.text(Path, ""), to.arg, b.text(Path, ""), num(both))
}

func (b *Builder) OpenTree(dir FD, path string, flag uint32) Step {
	return b.add(OpenTree, dir.arg, b.text(Path, path), flags(flag))
}

// OpenHow is struct open_how.
type OpenHow struct{ Flags, Mode, Resolve uint64 }

func (b *Builder) Openat2(dir FD, path string, how OpenHow) Step {
	return b.add(Openat2, dir.arg, b.text(Path, path), b.words(How, how.Flags, how.Mode, how.Resolve), num(24))
}

func (b *Builder) Personality(persona uint64) Step { return b.add(Personality, word(persona)) }

func (b *Builder) PivotRoot(new, old string) Step {
	return b.add(PivotRoot, b.text(Path, new), b.text(Path, old))
}

func (b *Builder) Prctl(op uint32, a2, a3, a4, a5 uint64) Step {
	return b.add(Prctl, flags(op), word(a2), word(a3), word(a4), word(a5))
}

// ShedExe makes exe the file behind /proc/PID/exe (PR_SET_MM_MAP, prctl(2)). It needs
// CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE in the process's user namespace, and that no file
// is mapped any more. The executor fills in the bounds of the arena and the descriptor.
func (b *Builder) ShedExe(exe FD) Step {
	if exe.arg.Kind == FromSlot {
		panic("BUG: no room for a slot at the end of struct prctl_mm_map")
	}
	at := b.data(MMMap, make([]byte, 104))
	b.embed(uint32(at.Value)+100, exe)
	return b.add(Prctl, num(35), num(14), at, num(104), num(0)) // PR_SET_MM, PR_SET_MM_MAP
}

// Prlimit64 sets a resource limit of the process itself.
func (b *Builder) Prlimit64(resource uint32, soft, hard uint64) Step {
	return b.add(Prlimit64, num(0), flags(resource), b.words(Rlimit, soft, hard), num(0))
}

// Read reads once, at most the size of m.
func (b *Builder) Read(fd FD, m Memory) Step { return b.add(Read, fd.arg, m.arg, num(m.size)) }

// ReadText reads into the Header, where a failure's report takes it along.
func (b *Builder) ReadText(fd FD) Step {
	return b.add(Read, fd.arg, Arg{Value: HeaderText, Kind: InHeader}, num(TextSize))
}

// WriteReport writes the failure that an instruction remembered, and the text, to fd.
func (b *Builder) WriteReport(fd FD) Step {
	return b.add(Write, fd.arg, Arg{Value: HeaderFailed, Kind: InHeader}, num(HeaderSize-HeaderFailed))
}

// WriteFailure writes the failure that an instruction remembered to fd, as the executor itself
// does with one that nothing handles.
func (b *Builder) WriteFailure(fd FD) Step {
	return b.add(Write, fd.arg, Arg{Value: HeaderFailed, Kind: InHeader}, num(ReportSize))
}

// RtSigprocmask sets the signal mask.
func (b *Builder) RtSigprocmask(how uint32, set uint64) Step {
	return b.add(RtSigprocmask, flags(how), b.words(Sigset, set), num(0), num(8))
}

// SchedSetaffinity takes a mask of CPUs, a multiple of eight bytes long.
func (b *Builder) SchedSetaffinity(mask []byte) Step {
	return b.add(SchedSetaffinity, num(0), num(len(mask)), b.data(RawStruct, mask))
}

// Scheduling is struct sched_attr, without its size.
type Scheduling struct {
	Policy                    uint32
	Flags                     uint64
	Nice                      int32
	Priority                  uint32
	Runtime, Deadline, Period uint64 // nanoseconds
}

// SchedSetattr sets the scheduling of the process itself (sched_setattr(2)).
func (b *Builder) SchedSetattr(s Scheduling) Step {
	const size = 48 // SCHED_ATTR_SIZE_VER0
	attr := binary.NativeEndian.AppendUint32(make([]byte, 0, size), size)
	attr = binary.NativeEndian.AppendUint32(attr, s.Policy)
	attr = binary.NativeEndian.AppendUint64(attr, s.Flags)
	attr = binary.NativeEndian.AppendUint32(attr, uint32(s.Nice))
	attr = binary.NativeEndian.AppendUint32(attr, s.Priority)
	for _, ns := range [...]uint64{s.Runtime, s.Deadline, s.Period} {
		attr = binary.NativeEndian.AppendUint64(attr, ns)
	}
	return b.add(SchedSetattr, num(0), b.data(SchedAttr, attr), num(0))
}

// SendFD sends one descriptor and one byte over a socket (SCM_RIGHTS, unix(7)).
func (b *Builder) SendFD(socket, fd FD, tag byte) Step {
	payload := b.data(RawStruct, []byte{tag})
	iov := b.words(RawStruct, 0, 1)
	b.point(uint32(iov.Value), uint32(payload.Value))
	control := b.words(RawStruct, 20, 1|1<<32, 0) // cmsg_len, SOL_SOCKET | SCM_RIGHTS<<32, the descriptor
	b.embed(uint32(control.Value)+16, fd)
	msg := b.words(Message, 0, 0, 0, 1, 0, 24, 0)
	b.point(uint32(msg.Value)+16, uint32(iov.Value))
	b.point(uint32(msg.Value)+32, uint32(control.Value))
	return b.add(Sendmsg, socket.arg, msg, num(0x4000)) // MSG_NOSIGNAL
}

func (b *Builder) SetMempolicy(mode uint64, nodes []byte, maxnode int) Step {
	at := Arg{}
	if len(nodes) != 0 {
		at = b.data(RawStruct, nodes)
	}
	return b.add(SetMempolicy, word(mode), at, num(maxnode))
}

func (b *Builder) Setdomainname(name string) Step {
	return b.add(Setdomainname, b.data(Bytes, []byte(name)), num(len(name)))
}

func (b *Builder) Setgroups(gids []uint32) Step {
	var list []byte
	for _, g := range gids {
		list = binary.NativeEndian.AppendUint32(list, g)
	}
	at := Arg{}
	if len(list) != 0 {
		at = b.data(GroupList, list)
	}
	return b.add(Setgroups, num(len(gids)), at)
}

func (b *Builder) Sethostname(name string) Step {
	return b.add(Sethostname, b.data(Bytes, []byte(name)), num(len(name)))
}

func (b *Builder) Setns(fd FD, types uint32) Step { return b.add(Setns, fd.arg, flags(types)) }

func (b *Builder) Setresgid(gid uint32) Step {
	return b.add(Setresgid, flags(gid), flags(gid), flags(gid))
}

func (b *Builder) Setresuid(uid uint32) Step {
	return b.add(Setresuid, flags(uid), flags(uid), flags(uid))
}

func (b *Builder) Setsid() Step { return b.add(Setsid) }

func (b *Builder) Socket(domain, kind, protocol int) Step {
	return b.add(Socket, num(domain), num(kind), num(protocol))
}

// Permission is the mode of a file, once Statx has read it, or a preset before.
type Permission struct{ at uint32 }

// Permission makes room for a mode, which is preset until a Statx replaces it.
func (b *Builder) Permission(preset uint16) Permission {
	buf := make([]byte, 256) // struct statx
	binary.NativeEndian.PutUint16(buf[statxMode:], preset)
	return Permission{b.object(StatBuf, buf)}
}

const statxMode = 28 // offset of stx_mode

// Statx reads the mode of the file behind fd into p.
func (b *Builder) Statx(fd FD, p Permission) Step {
	const emptyPath, modeOnly = 0x1000, 0x2 // AT_EMPTY_PATH, STATX_MODE
	return b.add(Statx, fd.arg, b.text(Path, ""), num(emptyPath), num(modeOnly), Arg{Value: uint64(p.at), Kind: InData})
}

// FchmodatTo gives path the mode p. The word that is loaded holds more than the mode, but the
// kernel's umode_t has 16 bits and it looks at the lowest twelve of them.
func (b *Builder) FchmodatTo(dir FD, path string, p Permission) Step {
	return b.add(Fchmodat, dir.arg, b.text(Path, path), Arg{Value: uint64(p.at + statxMode), Kind: FromSlot})
}

func (b *Builder) Symlinkat(target string, dir FD, path string) Step {
	return b.add(Symlinkat, b.text(Path, target), dir.arg, b.text(Path, path))
}

func (b *Builder) Umask(mask uint32) Step { return b.add(Umask, flags(mask)) }

func (b *Builder) Umount2(path string, flag uint32) Step {
	return b.add(Umount2, b.text(Path, path), flags(flag))
}

func (b *Builder) Unlinkat(dir FD, path string, flag uint32) Step {
	return b.add(Unlinkat, dir.arg, b.text(Path, path), flags(flag))
}

func (b *Builder) Unshare(types uint32) Step { return b.add(Unshare, flags(types)) }

// Write writes all of content at once.
func (b *Builder) Write(fd FD, content string) Step {
	return b.add(Write, fd.arg, b.data(Bytes, []byte(content)), num(len(content)))
}

// WriteSlot writes the eight bytes of s.
func (b *Builder) WriteSlot(fd FD, s Slot) Step {
	return b.add(Write, fd.arg, Arg{Value: uint64(s), Kind: InData}, num(8))
}

// point puts the address of Data[to] at Data[at].
func (b *Builder) point(at, to uint32) {
	b.p.Pointers = append(b.p.Pointers, Pointer{At: at, To: to})
}

// embed makes the 32-bit word at Data[at], inside a structure, the number of fd. A descriptor
// that the program itself opened is duplicated for it: dup is how a number gets to another place.
func (b *Builder) embed(at uint32, fd FD) {
	switch fd.arg.Kind {
	case FromInput:
		b.p.Embedded = append(b.p.Embedded, Embedded{At: at, Input: int(fd.arg.Value)})
	case FromSlot:
		b.add(Fcntl, fd.arg, flags(1030), num(0)).Into(Slot(at)) // F_DUPFD_CLOEXEC
	default:
		binary.NativeEndian.PutUint32(b.p.Data[at:], uint32(fd.arg.Value))
	}
}
