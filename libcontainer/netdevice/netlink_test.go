// SPDX-License-Identifier: Apache-2.0

package netdevice

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// reply is a message as the kernel would send it.
func reply(kind, flags uint16, seq uint32, body ...byte) []byte {
	b := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = binary.NativeEndian.AppendUint16(b, flags)
	b = binary.NativeEndian.AppendUint32(b, seq)
	b = append(b, 0, 0, 0, 0)
	b = append(b, body...)
	return append(b, make([]byte, align(len(body))-len(body))...)
}

func code(n int32) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(n)) }

// failing is the body of a NLMSG_ERROR for a request of 21 bytes.
func failing(capped bool, attributes ...byte) []byte {
	b := append(code(-int32(unix.EINVAL)), reply(unix.RTM_NEWLINK, 0, 7, 1, 2, 3, 4, 5)...)
	binary.NativeEndian.PutUint32(b[4:], 21)
	if capped {
		b = b[:4+unix.SizeofNlMsghdr]
	}
	return append(b, attributes...)
}

func TestMessage(t *testing.T) {
	m := linkMessage(unix.RTM_NEWLINK, 0x01020304, unix.IFF_UP).text(unix.IFLA_IFNAME, "eth0").number(unix.IFLA_NET_NS_FD, 9)
	want := "00000000 1000 0500 00000000 00000000 00000000 04030201 01000000 01000000 " +
		"0900 0300 6574683000000000 0800 1c00 09000000"
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		t.Skip("the bytes are those of a little-endian machine")
	}
	if got := hex.EncodeToString(m); got != strings.ReplaceAll(want, " ", "") {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAnswer(t *testing.T) {
	why := message(nil).number(unix.NLMSGERR_ATTR_OFFS, 4).text(unix.NLMSGERR_ATTR_MSG, "so it is")
	const tlvs, capped = unix.NLM_F_ACK_TLVS, unix.NLM_F_CAPPED
	for name, c := range map[string]struct {
		in     []byte
		bodies int
		last   bool
		err    string
	}{
		"nothing":             {in: nil},
		"acknowledged":        {in: reply(unix.NLMSG_ERROR, 0, 7, code(0)...), last: true},
		"somebody else's":     {in: reply(unix.NLMSG_ERROR, 0, 6, code(-1)...)},
		"a link and its end":  {in: append(reply(unix.RTM_NEWLINK, 0, 7, 1, 2, 3), reply(unix.NLMSG_ERROR, 0, 7, code(0)...)...), bodies: 1, last: true},
		"two of a list":       {in: slices.Repeat(reply(unix.RTM_NEWADDR, unix.NLM_F_MULTI, 7, 1), 2), bodies: 2},
		"no operation":        {in: reply(unix.NLMSG_NOOP, 0, 7)},
		"the list's end":      {in: reply(unix.NLMSG_DONE, unix.NLM_F_MULTI, 7, code(0)...), last: true},
		"a list that failed":  {in: reply(unix.NLMSG_DONE, tlvs, 7, append(code(-int32(unix.ENODEV)), why...)...), last: true, err: "no such device (ENODEV): so it is"},
		"an error":            {in: reply(unix.NLMSG_ERROR, 0, 7, failing(false)...), last: true, err: "invalid argument (EINVAL)"},
		"why":                 {in: reply(unix.NLMSG_ERROR, tlvs, 7, failing(false, why...)...), last: true, err: "invalid argument (EINVAL): so it is"},
		"why, capped":         {in: reply(unix.NLMSG_ERROR, tlvs|capped, 7, failing(true, why...)...), last: true, err: "invalid argument (EINVAL): so it is"},
		"why is not flagged":  {in: reply(unix.NLMSG_ERROR, 0, 7, failing(true, why...)...), last: true, err: "invalid argument (EINVAL)"},
		"why is not there":    {in: reply(unix.NLMSG_ERROR, tlvs, 7, failing(true)...), last: true, err: "invalid argument (EINVAL)"},
		"no request":          {in: reply(unix.NLMSG_ERROR, tlvs, 7, code(-1)...), last: true, err: "operation not permitted (EPERM)"},
		"no errno":            {in: reply(unix.NLMSG_ERROR, 0, 7, code(-4095)...), last: true, err: "errno 4095 ()"},
		"an error, no code":   {in: reply(unix.NLMSG_ERROR, 0, 7, 1), last: true, err: string(errMalformed)},
		"half a header":       {in: make([]byte, 15), err: string(errMalformed)},
		"length 0":            {in: make([]byte, 16), err: string(errMalformed)},
		"length of 4 GB":      {in: append(bytes.Repeat([]byte{255}, 4), make([]byte, 28)...), err: string(errMalformed)},
		"longer than it is":   {in: reply(unix.RTM_NEWLINK, 0, 7, 1, 2, 3, 4)[:19], err: string(errMalformed)},
		"less than alignment": {in: reply(unix.RTM_NEWLINK, 0, 7, 1)[:17], bodies: 1},
	} {
		a := answer{seq: 7}
		last, err := a.take(c.in)
		if got := errorText(err); last != c.last || got != c.err || len(a.bodies) != c.bodies {
			t.Errorf("%s: %v, %q, %d; want %v, %q, %d", name, last, got, len(a.bodies), c.last, c.err, c.bodies)
		}
	}
	a := answer{seq: 7}
	if _, err := a.take(reply(unix.RTM_NEWADDR, unix.NLM_F_DUMP_INTR, 7)); err != nil || !a.interrupted {
		t.Error("an interrupted list passes for a whole one")
	}
	if err := outcome(unix.NLMSG_ERROR, 0, code(-int32(unix.EPERM))); !errors.Is(err, unix.EPERM) {
		t.Errorf("%v is not EPERM", err)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestParseAddress(t *testing.T) {
	body := func(family, prefix, flags, scope byte, attributes message) []byte {
		b := binary.NativeEndian.AppendUint32([]byte{family, prefix, flags, scope}, 5)
		return append(b, attributes...)
	}
	own := message(nil).attr(unix.IFA_ADDRESS, []byte{10, 0, 0, 2}).attr(unix.IFA_LOCAL, []byte{10, 0, 0, 1})
	six := message(nil).attr(unix.IFA_ADDRESS, append([]byte{0xfd}, make([]byte, 15)...))
	lasts := func(flags uint32) message { return append(message(nil).number(unix.IFA_FLAGS, flags), own...) }
	const permanent = unix.IFA_F_PERMANENT
	for name, c := range map[string]struct {
		in   []byte
		want string
	}{
		"permanent":          {body(unix.AF_INET, 24, permanent, 0, own), "10.0.0.1/24"},
		"as an attribute":    {body(unix.AF_INET, 24, 0, 0, lasts(permanent)), "10.0.0.1/24"},
		"attribute counts":   {body(unix.AF_INET, 24, permanent, 0, lasts(0)), ""},
		"IPv6":               {body(unix.AF_INET6, 64, permanent, 0, six), "fd00::/64"},
		"odd length":         {body(unix.AF_INET, 24, permanent, 0, message(nil).attr(unix.IFA_LOCAL, []byte{1, 2, 3})), "invalid IP/24"},
		"dynamic":            {body(unix.AF_INET, 24, 0, 0, own), ""},
		"link-local":         {body(unix.AF_INET6, 64, permanent, unix.RT_SCOPE_LINK, six), ""},
		"other family":       {body(unix.AF_DECnet, 64, permanent, 0, six), ""},
		"no address":         {body(unix.AF_INET, 24, permanent, 0, nil), ""},
		"short":              {body(unix.AF_INET, 24, permanent, 0, own)[:7], ""},
		"nothing":            {nil, ""},
		"a broken attribute": {body(unix.AF_INET, 24, permanent, 0, own[:6]), ""},
	} {
		got := ""
		if a, ok := parseAddress(c.in, 5); ok {
			got = a.String()
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	if _, ok := parseAddress(body(unix.AF_INET, 24, permanent, 0, own), 6); ok {
		t.Error("took another device's address")
	}
}

func TestRelabel(t *testing.T) {
	for _, c := range [][4]string{
		{"v0", "v0", "eth0", "eth0"},
		{"v0:web", "v0", "eth0", "eth0:web"},
		{"v01", "v0", "eth0", "v01"},
		{"other", "v0", "eth0", "other"},
		{"", "v0", "eth0", ""},
		{"v0:twelve-more", "v0", "a-long-name-one", "a-l:twelve-more"},
		{"v0:longer-than-labels-are", "v0", "eth0", ":longer-than-labels-are"},
	} {
		if got := relabel(c[0], c[1], c[2]); got != c[3] {
			t.Errorf("relabel(%q, %q, %q) = %q, want %q", c[0], c[1], c[2], got, c[3])
		}
	}
}

// FuzzParse: whatever comes in, no parser panics or goes on for ever.
func FuzzParse(f *testing.F) {
	why := message(nil).text(unix.NLMSGERR_ATTR_MSG, "why")
	f.Add(reply(unix.NLMSG_ERROR, unix.NLM_F_ACK_TLVS, 7, failing(false, why...)...))
	f.Add(reply(unix.NLMSG_DONE, unix.NLM_F_ACK_TLVS, 7, append(code(-1), why...)...))
	f.Add(reply(unix.RTM_NEWLINK, 0, 7, linkMessage(0, 5, 1).text(unix.IFLA_IFNAME, "eth0")[unix.SizeofNlMsghdr:]...))
	f.Add(reply(unix.RTM_NEWADDR, 0, 7, newMessage(0, 0, unix.AF_INET, 24, unix.IFA_F_PERMANENT, 0, 5, 0, 0, 0).
		attr(unix.IFA_LOCAL, []byte{10, 0, 0, 1}).text(unix.IFA_LABEL, "eth0:x")[unix.SizeofNlMsghdr:]...))
	f.Add(reply(unix.NLMSG_ERROR, 0, 7, code(-1<<31)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		parse := func(b []byte) {
			a := answer{seq: 7}
			_, _ = a.take(b)
			for _, body := range append(a.bodies, b) {
				_, _ = parseLink(body)
				if a, ok := parseAddress(body, 5); ok {
					_ = a.String() + relabel(a.label, "eth0", "eth1")
				}
				_ = outcome(unix.NLMSG_ERROR, unix.NLM_F_ACK_TLVS, body)
				_ = outcome(unix.NLMSG_DONE, unix.NLM_F_ACK_TLVS, body)
			}
		}
		for n := range min(len(b), 64) { // cut short
			parse(b[:n])
		}
		parse(b)
	})
}
