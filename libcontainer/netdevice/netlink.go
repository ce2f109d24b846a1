// SPDX-License-Identifier: Apache-2.0

package netdevice

import (
	"bytes"
	"encoding/binary"
	"iter"
	"syscall"

	"golang.org/x/sys/unix"
)

// message is a request of netlink(7) that is being written: a nlmsghdr, whose length and sequence
// number conn.do fills in, the fixed part that belongs to its kind, and attributes.
type message []byte

func newMessage(kind, flags uint16, fixed ...byte) message {
	m := make(message, unix.SizeofNlMsghdr, 256)
	binary.NativeEndian.PutUint16(m[4:], kind)
	binary.NativeEndian.PutUint16(m[6:], flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	return append(m, fixed...)
}

func (m message) attr(kind uint16, payload []byte) message {
	m = binary.NativeEndian.AppendUint16(m, uint16(unix.SizeofRtAttr+len(payload)))
	m = binary.NativeEndian.AppendUint16(m, kind)
	m = append(m, payload...)
	return append(m, make([]byte, align(len(payload))-len(payload))...)
}

func (m message) number(kind uint16, n uint32) message {
	return m.attr(kind, binary.NativeEndian.AppendUint32(nil, n))
}

func (m message) text(kind uint16, s string) message { return m.attr(kind, append([]byte(s), 0)) }

func align(n int) int { return (n + unix.NLMSG_ALIGNTO - 1) &^ (unix.NLMSG_ALIGNTO - 1) }

// attributes goes through the attributes that follow a fixed part of that size, up to the first
// that is malformed.
func attributes(body []byte, fixed int) iter.Seq2[uint16, []byte] {
	return func(yield func(uint16, []byte) bool) {
		b := body[min(fixed, len(body)):]
		for len(b) >= unix.SizeofRtAttr {
			size := int(binary.NativeEndian.Uint16(b))
			if size < unix.SizeofRtAttr || size > len(b) {
				return
			}
			const flags = unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER
			if !yield(binary.NativeEndian.Uint16(b[2:])&^flags, b[unix.SizeofRtAttr:size]) {
				return
			}
			b = b[min(align(size), len(b)):]
		}
	}
}

// number and word read an attribute's payload.
func number(payload []byte) uint32 {
	if len(payload) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(payload)
}

func word(payload []byte) string {
	payload, _, _ = bytes.Cut(payload, []byte{0})
	return string(payload)
}

// conn is a socket of rtnetlink(7), for one request at a time. Its errors are *kernelError, or
// errMalformed or errUnsteady.
type conn struct {
	fd  int
	seq uint32
	buf []byte
}

func dial() (*conn, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	// A socket that is connected with the kernel gets nobody else's messages.
	if err := unix.Connect(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		unix.Close(fd)
		return nil, err
	}
	// Without these two, errors say less, and there is more to read: addresses of all devices.
	_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_EXT_ACK, 1)
	_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1)
	return &conn{fd: fd, buf: make([]byte, 32<<10)}, nil // the longest that the kernel makes of a list
}

func (c *conn) close() {
	if c != nil {
		unix.Close(c.fd)
	}
}

// do sends a request and returns what the kernel answers: the messages less their nlmsghdr.
func (c *conn) do(m message) ([][]byte, error) {
	const tries = 20
	for range tries {
		c.seq++
		binary.NativeEndian.PutUint32(m, uint32(len(m)))
		binary.NativeEndian.PutUint32(m[8:], c.seq)
		a := answer{seq: c.seq}
		if err := c.exchange(m, &a); err != nil {
			return nil, err
		}
		if !a.interrupted {
			return a.bodies, nil
		}
	}
	return nil, errUnsteady
}

func (c *conn) exchange(m message, a *answer) error {
	if _, err := restart(func() (int, error) { return unix.Write(c.fd, m) }); err != nil {
		return err
	}
	for {
		n, err := restart(func() (int, error) {
			n, _, err := unix.Recvfrom(c.fd, c.buf, unix.MSG_TRUNC)
			return n, err
		})
		if err != nil {
			return err
		}
		if n > len(c.buf) { // MSG_TRUNC: it is the message's own length
			return errMalformed
		}
		if last, err := a.take(c.buf[:n]); last || err != nil {
			return err
		}
	}
}

// restart makes a call until no signal interrupts it.
func restart(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		switch errno, ok := err.(syscall.Errno); {
		case !ok:
			return n, err
		case errno != unix.EINTR:
			return n, &kernelError{errno, ""}
		}
	}
}

// answer gathers what the kernel replies to one request.
type answer struct {
	seq         uint32
	bodies      [][]byte
	interrupted bool // what is listed changed meanwhile: some may be missing, or come twice
}

// take adds what has come in, and tells whether that is all.
func (a *answer) take(b []byte) (last bool, err error) {
	for len(b) > 0 {
		if len(b) < unix.SizeofNlMsghdr {
			return false, errMalformed
		}
		size := binary.NativeEndian.Uint32(b)
		if size < unix.SizeofNlMsghdr || uint64(size) > uint64(len(b)) {
			return false, errMalformed
		}
		kind, flags := binary.NativeEndian.Uint16(b[4:]), binary.NativeEndian.Uint16(b[6:])
		seq, body := binary.NativeEndian.Uint32(b[8:]), b[unix.SizeofNlMsghdr:size]
		b = b[min(align(int(size)), len(b)):]
		if seq != a.seq {
			continue // of a request that was given up
		}
		a.interrupted = a.interrupted || flags&unix.NLM_F_DUMP_INTR != 0
		switch kind {
		case unix.NLMSG_ERROR, unix.NLMSG_DONE:
			return true, outcome(kind, flags, body)
		case unix.NLMSG_NOOP:
		default:
			a.bodies = append(a.bodies, bytes.Clone(body))
		}
	}
	return false, nil
}

// outcome reads the message that is an answer's last: the errno, negative, or 0; in a
// NLMSG_ERROR the request's nlmsghdr, and the rest of it unless NLM_F_CAPPED; then attributes if
// NLM_F_ACK_TLVS.
func outcome(kind, flags uint16, body []byte) error {
	if len(body) < 4 {
		return errMalformed
	}
	code := int32(binary.NativeEndian.Uint32(body))
	if code >= 0 {
		return nil
	}
	e := &kernelError{syscall.Errno(-int64(code)), ""}
	if flags&unix.NLM_F_ACK_TLVS == 0 {
		return e
	}
	fixed := 4
	if kind == unix.NLMSG_ERROR {
		if len(body) < fixed+unix.SizeofNlMsghdr {
			return e
		}
		if flags&unix.NLM_F_CAPPED != 0 {
			fixed += unix.SizeofNlMsghdr
		} else {
			fixed += align(int(min(number(body[fixed:]), uint32(len(body)))))
		}
	}
	for kind, payload := range attributes(body, fixed) {
		if kind == unix.NLMSGERR_ATTR_MSG {
			e.detail = word(payload)
		}
	}
	return e
}

// kernelError is what the kernel says: `invalid argument (EINVAL): The interface netns is immutable`.
type kernelError struct {
	errno  syscall.Errno
	detail string
}

func (e *kernelError) Error() string {
	s := e.errno.Error() + " (" + unix.ErrnoName(e.errno) + ")"
	if e.detail != "" {
		s += ": " + e.detail
	}
	return s
}

func (e *kernelError) Unwrap() error { return e.errno }

// text is an error that is its message.
type text string

func (t text) Error() string { return string(t) }

const (
	errMalformed = text("the kernel's answer is malformed")
	errUnsteady  = text("the list kept changing while it was read")
)
