// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// name is a word of the text form and the number it stands for.
type name struct {
	text  string
	value uint64
}

// The kinds of argument that only the text form tells apart: they come from what stands
// before the argument, not from the Signature.
const (
	capNumber   Param = 128 + iota // a capability (PR_CAPBSET_DROP)
	capMask                        // a set of capabilities
	ambientOp                      // PR_CAP_AMBIENT_*
	mmOp                           // PR_SET_MM_*
	statxMask                      // STATX_*
	family                         // AF_*
	socketKind                     // SOCK_*
	messageFlag                    // MSG_*
	accessFlag                     // AT_* of faccessat2
	resolveFlag                    // RESOLVE_*
	limit                          // a resource limit
	interfaces                     // IFF_*
	schedPolicy                    // SCHED_*
	schedFlag                      // SCHED_FLAG_*
)

// refine is the kind of argument i of call, as its text needs it; args before i are known.
func refine(call Call, i int, args *[6]Arg) Param {
	p := call.Signature().Params[i]
	op := uint64(1<<64 - 1)
	if args[0].Kind == Literal {
		op = args[0].Value
	}
	switch call {
	case Prctl:
		switch {
		case op == unix.PR_CAPBSET_DROP && i == 1, op == unix.PR_CAPBSET_READ && i == 1:
			return capNumber
		case op == unix.PR_CAP_AMBIENT && i == 1:
			return ambientOp
		case op == unix.PR_CAP_AMBIENT && i == 2 && args[1] != Arg{Value: unix.PR_CAP_AMBIENT_CLEAR_ALL}:
			return capNumber
		case op == unix.PR_SET_MM && i == 1:
			return mmOp
		case op == unix.PR_SET_MM && i == 3:
			return Size
		}
	case Ioctl:
		if i == 2 && args[1] == (Arg{Value: unix.TIOCGPTPEER}) {
			return OpenFlags
		}
	case Statx:
		if i == 3 {
			return statxMask
		}
	case Socket:
		switch i {
		case 0:
			return family
		case 1:
			return socketKind
		}
	case Sendmsg, Recvmsg:
		if i == 2 {
			return messageFlag
		}
	case Faccessat2:
		if i == 3 {
			return accessFlag
		}
	}
	return p
}

// table gives the names of a kind of argument; flags tells whether they are combined with |.
func table(p Param) (names []name, flags bool) {
	switch p {
	case NSFlags:
		return cloneFlags[:], true
	case OpenFlags:
		return openFlags[:], true
	case TreeFlags:
		return treeFlags[:], true
	case MoveFlags:
		return moveFlags[:], true
	case FsopenFlags:
		return fsopenFlags[:], true
	case FspickFlags:
		return fspickFlags[:], true
	case FsmountFlags:
		return fsmountFlags[:], true
	case AttrFlags:
		return attrFlags[:], true
	case AtFlags:
		return atFlags[:], true
	case UmountFlags:
		return umountFlags[:], true
	case MountFlags:
		return mountFlags[:], true
	case AccessMode:
		return accessModes[:], true
	case CloseFlags:
		return closeFlags[:], true
	case capMask:
		return capabilities[:], true
	case statxMask:
		return statxMasks[:], true
	case socketKind:
		return socketKinds[:], true
	case messageFlag:
		return messageFlags[:], true
	case accessFlag:
		return accessFlags[:], true
	case resolveFlag:
		return resolveFlags[:], true
	case interfaces:
		return interfaceFlags[:], true
	case schedFlag:
		return schedFlags[:], true
	case schedPolicy:
		return schedPolicies[:], false
	case FsconfigCmd:
		return fsconfigCmds[:], false
	case PrctlOp:
		return prctlOps[:], false
	case IoctlOp:
		return ioctlOps[:], false
	case FcntlOp:
		return fcntlOps[:], false
	case KeyctlOp:
		return keyctlOps[:], false
	case SeccompOp:
		return seccompOps[:], false
	case RlimitName:
		return rlimits[:], false
	case SigHow:
		return sigHows[:], false
	case Advice:
		return advices[:], false
	case Signal:
		return signals[:], false
	case capNumber:
		return capabilities[:], false
	case ambientOp:
		return ambientOps[:], false
	case mmOp:
		return mmOps[:], false
	case family:
		return families[:], false
	}
	return nil, false
}

// bits is the number that n stands for among flags of kind p.
func (n *name) bits(p Param) uint64 {
	if p == capMask {
		return 1 << n.value
	}
	return n.value
}

// appendFlags appends v as names joined by |, in order of the table, and the rest in hex. A
// name of several bits (MOUNT_ATTR__ATIME) stands for the names of each.
func appendFlags(dst []byte, p Param, names []name, v uint64) []byte {
	if v == 0 {
		if p == AccessMode {
			return append(dst, "F_OK"...)
		}
		return append(dst, '0')
	}
	var covered uint64
	for i := range names {
		if b := names[i].bits(p); b&(b-1) != 0 && v&b == b {
			covered |= b
		}
	}
	rest, first := v, true
	for i := range names {
		b := names[i].bits(p)
		if v&b != b || b&(b-1) == 0 && covered&b != 0 {
			continue
		}
		if !first {
			dst = append(dst, '|')
		}
		dst, first = append(dst, names[i].text...), false
		rest &^= b
	}
	if rest == 0 {
		return dst
	}
	if !first {
		dst = append(dst, '|')
	}
	return appendHex(dst, rest)
}

// appendName appends the name of v, or v in decimal if it has none.
func appendName(dst []byte, names []name, v uint64) []byte {
	for i := range names {
		if names[i].value == v {
			return append(dst, names[i].text...)
		}
	}
	return strconv.AppendUint(dst, v, 10)
}

// lookup finds the number behind a name of kind p.
func lookup(p Param, names []name, text string) (uint64, bool) {
	lo, hi := 0, len(names)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if names[mid].text < text {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == len(names) || names[lo].text != text {
		return 0, false
	}
	_, flags := table(p)
	if flags {
		return names[lo].bits(p), true
	}
	return names[lo].value, true
}

// appendHex appends v in hex, or in decimal where that is one digit.
func appendHex(dst []byte, v uint64) []byte {
	if v < 10 {
		return strconv.AppendUint(dst, v, 10)
	}
	return strconv.AppendUint(append(dst, "0x"...), v, 16)
}

// appendNumber appends a literal argument of kind p.
func appendNumber(dst []byte, p Param, v uint64) []byte {
	if names, flags := table(p); flags {
		return appendFlags(dst, p, names, v)
	} else if names != nil {
		return appendName(dst, names, v)
	}
	switch p {
	case Int, UID:
		return strconv.AppendInt(dst, int64(v), 10)
	case Desc:
		if v == Cwd.arg.Value {
			return append(dst, "AT_FDCWD"...)
		}
		return strconv.AppendInt(dst, int64(v), 10)
	case Size:
		if v >= 1<<31 {
			return appendHex(dst, v)
		}
		return strconv.AppendUint(dst, v, 10)
	case Mode:
		return appendMode(dst, v)
	case DevNo:
		dst = strconv.AppendUint(dst, uint64(unix.Major(v)), 10)
		return strconv.AppendUint(append(dst, ':'), uint64(unix.Minor(v)), 10)
	case limit:
		if v == 1<<64-1 {
			return append(dst, "unlimited"...)
		}
		return strconv.AppendUint(dst, v, 10)
	}
	if p >= Path && p <= RawStruct && v == 0 {
		return append(dst, "null"...)
	}
	return appendHex(dst, v)
}

var fileTypes = [...]name{
	{"S_IFBLK", unix.S_IFBLK}, {"S_IFCHR", unix.S_IFCHR}, {"S_IFDIR", unix.S_IFDIR}, {"S_IFIFO", unix.S_IFIFO},
	{"S_IFLNK", unix.S_IFLNK}, {"S_IFREG", unix.S_IFREG}, {"S_IFSOCK", unix.S_IFSOCK},
}

// appendMode appends permission bits in octal, after the type of the file if there is one.
func appendMode(dst []byte, v uint64) []byte {
	for i := range fileTypes {
		if v&^0o7777 == fileTypes[i].value {
			dst = append(append(dst, fileTypes[i].text...), '|')
			v &= 0o7777
			break
		}
	}
	if v != 0 {
		dst = append(dst, '0')
	}
	return strconv.AppendUint(dst, v, 8)
}
