// SPDX-License-Identifier: Apache-2.0

package netdevice

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// link is a network device as the kernel tells it.
type link struct {
	index int32
	name  string
	isUp  bool
}

// linkMessage begins with an ifinfomsg that sets the flags up, or none.
func linkMessage(kind uint16, index int32, up uint32) message {
	m := newMessage(kind, 0, unix.AF_UNSPEC, 0, 0, 0)
	m = binary.NativeEndian.AppendUint32(m, uint32(index))
	m = binary.NativeEndian.AppendUint32(m, up) // ifi_flags
	return binary.NativeEndian.AppendUint32(m, up)
}

// link finds a device by its index, or by its name if that is 0. ENODEV: there is none.
func (c *conn) link(index int32, name string) (link, error) {
	m := linkMessage(unix.RTM_GETLINK, index, 0)
	if index == 0 {
		m = m.text(unix.IFLA_IFNAME, name)
	}
	bodies, err := c.do(m)
	if err != nil {
		return link{}, err
	}
	if len(bodies) == 0 {
		return link{}, errMalformed
	}
	return parseLink(bodies[0])
}

func parseLink(body []byte) (l link, err error) {
	if len(body) < unix.SizeofIfInfomsg {
		return l, errMalformed
	}
	l.index = int32(binary.NativeEndian.Uint32(body[4:]))
	l.isUp = binary.NativeEndian.Uint32(body[8:])&unix.IFF_UP != 0
	for kind, payload := range attributes(body, unix.SizeofIfInfomsg) {
		if kind == unix.IFLA_IFNAME {
			l.name = word(payload)
		}
	}
	if l.index <= 0 || l.name == "" {
		return l, errMalformed
	}
	return l, nil
}

func (c *conn) up(index int32) error {
	_, err := c.do(linkMessage(unix.RTM_NEWLINK, index, unix.IFF_UP))
	return err
}

// address is what to say to have the same address again.
type address struct {
	family, prefix byte
	flags          uint32
	label          string  // "eth0", "eth0:web"; IPv4 only
	own            []byte  // of IFA_LOCAL, or else of IFA_ADDRESS, which is the peer's if there is one
	preferred      uint32  // seconds; 0: deprecated
	rest           message // attributes that are as they were
}

const forever = ^uint32(0)

// flagsKept are those that somebody has asked for; the kernel tells its own by the same way, such
// as that an address is tentative.
const flagsKept = unix.IFA_F_NODAD | unix.IFA_F_HOMEADDRESS | unix.IFA_F_MANAGETEMPADDR |
	unix.IFA_F_NOPREFIXROUTE | unix.IFA_F_MCAUTOJOIN

const ifaProto = 11 // IFA_PROTO, 5.18: who has added it

// addresses lists a device's permanent addresses of global scope, in the order in which to add
// them to have them in that order again.
func (c *conn) addresses(index int32) ([]address, error) {
	m := newMessage(unix.RTM_GETADDR, unix.NLM_F_DUMP, unix.AF_UNSPEC, 0, 0, 0)
	bodies, err := c.do(binary.NativeEndian.AppendUint32(m, uint32(index)))
	if err != nil {
		return nil, err
	}
	var list []address
	ipv4 := 0
	for _, body := range bodies {
		switch a, ok := parseAddress(body, index); {
		case !ok:
		case a.family == unix.AF_INET:
			list = slices.Insert(list, ipv4, a)
			ipv4++
		default: // The newest IPv6 address is the kernel's first.
			list = slices.Insert(list, ipv4, a)
		}
	}
	return list, nil
}

// parseAddress reads an address of the device; ok is false for one that does not move with it.
func parseAddress(body []byte, index int32) (a address, ok bool) {
	if len(body) < unix.SizeofIfAddrmsg || int32(binary.NativeEndian.Uint32(body[4:])) != index {
		return a, false
	}
	a = address{family: body[0], prefix: body[1], flags: uint32(body[2]), preferred: forever}
	if a.family != unix.AF_INET && a.family != unix.AF_INET6 || body[3] != unix.RT_SCOPE_UNIVERSE {
		return a, false
	}
	for kind, payload := range attributes(body, unix.SizeofIfAddrmsg) {
		switch kind {
		case unix.IFA_FLAGS:
			a.flags = number(payload)
		case unix.IFA_LABEL:
			a.label = word(payload)
		case unix.IFA_CACHEINFO:
			a.preferred = number(payload) // the first of ifa_cacheinfo
		case unix.IFA_ADDRESS, unix.IFA_LOCAL, unix.IFA_BROADCAST, unix.IFA_RT_PRIORITY, ifaProto:
			a.rest = a.rest.attr(kind, payload)
			if kind == unix.IFA_LOCAL || kind == unix.IFA_ADDRESS && a.own == nil {
				a.own = payload
			}
		}
	}
	if a.flags&unix.IFA_F_DEPRECATED != 0 {
		a.preferred = 0 // which IFA_CACHEINFO does not tell of a permanent IPv4 address
	}
	return a, a.flags&unix.IFA_F_PERMANENT != 0 && a.own != nil
}

// add gives a device an address.
func (c *conn) add(index int32, a *address, label string) error {
	m := newMessage(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, a.family, a.prefix, 0, unix.RT_SCOPE_UNIVERSE)
	m = binary.NativeEndian.AppendUint32(m, uint32(index))
	m = append(m, a.rest...).number(unix.IFA_FLAGS, a.flags&flagsKept)
	if label != "" {
		m = m.text(unix.IFA_LABEL, label)
	}
	if a.preferred != forever {
		info := binary.NativeEndian.AppendUint32(nil, a.preferred)
		info = binary.NativeEndian.AppendUint32(info, forever) // valid: it is permanent
		m = m.attr(unix.IFA_CACHEINFO, append(info, make([]byte, 8)...))
	}
	_, err := c.do(m)
	return err
}

func (a *address) String() string {
	ip, _ := netip.AddrFromSlice(a.own)
	return ip.String() + "/" + strconv.Itoa(int(a.prefix))
}

// relabel is an address's label after its device was renamed: what follows the colon stays, as
// when the kernel does it (inetdev_changename).
func relabel(label, was, now string) string {
	rest, ok := strings.CutPrefix(label, was)
	if !ok || rest != "" && rest[0] != ':' {
		return label
	}
	const most = unix.IFNAMSIZ - 1
	return now[:max(0, min(len(now), most-len(rest)))] + rest
}
