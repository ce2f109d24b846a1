// SPDX-License-Identifier: Apache-2.0

package netdevice

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// rootlessEnv makes the test binary what moves a device without being root on the host, for
// TestNotPermitted.
const rootlessEnv = "TARE_NETDEVICE_ROOTLESS"

func TestMain(m *testing.M) {
	if os.Getenv(rootlessEnv) != "" {
		ctr, err := newSpace()
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		err = Move(ctr.ns, devices{"v0": {Name: "eth0"}})
		fmt.Println(errors.Is(err, unix.EPERM), err)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

type devices = map[string]specs.LinuxNetDevice

// space is a network namespace of its own, in which a thread does what it is told.
type space struct {
	*conn
	ns   int
	work chan func()
}

func newSpace() (s *space, err error) {
	s = &space{work: make(chan func())}
	begun := make(chan struct{})
	go func() {
		runtime.LockOSThread() // for good: with the thread, the namespace goes
		if err = unix.Unshare(unix.CLONE_NEWNET); err == nil {
			if s.ns, err = openOwn(); err == nil {
				s.conn, err = dial()
			}
		}
		close(begun)
		for f := range s.work {
			f()
		}
	}()
	<-begun
	return s, err
}

// in runs f in the namespace.
func (s *space) in(f func()) {
	done := make(chan struct{})
	s.work <- func() { defer close(done); f() }
	<-done
}

// spaces are a host's namespace and a container's, and both are empty but for lo.
func spaces(t *testing.T) (host, ctr *space) {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("not root: network namespaces can be made by root only")
		}
		t.Skip("not root: run as root, who can make network namespaces")
	}
	before := openFiles(t)
	made := func() *space {
		s, err := newSpace()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			s.conn.close()
			unix.Close(s.ns)
			close(s.work)
		})
		return s
	}
	t.Cleanup(func() { t.Helper(); noneLeft(t, before) })
	return made(), made()
}

func openFiles(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		if name, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && !strings.HasPrefix(name, "anon_inode:[event") {
			all = append(all, e.Name()+" "+name)
		}
	}
	return all
}

func noneLeft(t *testing.T, before []string) {
	t.Helper()
	for _, f := range openFiles(t) {
		if !slices.Contains(before, f) && !strings.Contains(f, "/proc/") {
			t.Errorf("descriptor %s is left", f)
		}
	}
}

// must makes a request.
func (s *space) must(t *testing.T, m message) {
	t.Helper()
	if _, err := s.do(m); err != nil {
		t.Fatal(err)
	}
}

// veth makes a pair of devices; the index of the first is given if it is not 0.
func (s *space) veth(t *testing.T, name, peer string, index int32) {
	t.Helper()
	other := linkMessage(0, 0, 0)[unix.SizeofNlMsghdr:].text(unix.IFLA_IFNAME, peer)
	const infoKind, infoData, vethInfoPeer = 1, 2, 1
	m := linkMessage(unix.RTM_NEWLINK, index, 0).text(unix.IFLA_IFNAME, name).
		attr(unix.IFLA_LINKINFO, message(nil).text(infoKind, "veth").attr(infoData, message(nil).attr(vethInfoPeer, other)))
	binary.NativeEndian.PutUint16(m[6:], unix.NLM_F_REQUEST|unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	s.must(t, m)
	s.up(s.find(t, peer).index)
}

func (s *space) find(t *testing.T, name string) link {
	t.Helper()
	l, err := s.link(0, name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return l
}

// give adds an address, with whatever attributes.
func (s *space) give(t *testing.T, device, prefix string, scope byte, attributes message) {
	t.Helper()
	p := netip.MustParsePrefix(prefix)
	family := byte(unix.AF_INET)
	if p.Addr().Is6() {
		family = unix.AF_INET6
	}
	m := newMessage(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL, family, byte(p.Bits()), 0, scope)
	m = binary.NativeEndian.AppendUint32(m, uint32(s.find(t, device).index))
	s.must(t, append(m.attr(unix.IFA_LOCAL, p.Addr().AsSlice()), attributes...))
}

func (s *space) start(t *testing.T, device string) {
	t.Helper()
	if err := s.up(s.find(t, device).index); err != nil {
		t.Fatal(err)
	}
}

// show is a device's state and all its addresses, in the kernel's order, less what comes and goes
// by itself.
func (s *space) show(t *testing.T, device string) string {
	t.Helper()
	l := s.find(t, device)
	out := device + " down\n"
	if l.isUp {
		out = device + " up\n"
	}
	m := newMessage(unix.RTM_GETADDR, unix.NLM_F_DUMP, unix.AF_UNSPEC, 0, 0, 0)
	bodies, err := s.do(binary.NativeEndian.AppendUint32(m, uint32(l.index)))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bodies {
		line, flags := "", uint32(0)
		for kind, payload := range attributes(b, unix.SizeofIfAddrmsg) {
			ip, _ := netip.AddrFromSlice(payload)
			switch kind {
			case unix.IFA_ADDRESS:
				line += ip.String() + "/" + strconv.Itoa(int(b[1]))
			case unix.IFA_LOCAL:
				line += " local " + ip.String()
			case unix.IFA_BROADCAST:
				line += " brd " + ip.String()
			case unix.IFA_LABEL:
				line += " label " + word(payload)
			case unix.IFA_RT_PRIORITY:
				line += " metric " + strconv.Itoa(int(number(payload)))
			case ifaProto:
				line += " proto " + strconv.Itoa(int(payload[0]))
			case unix.IFA_CACHEINFO:
				if number(payload) != forever {
					line += " preferred " + strconv.Itoa(int(number(payload)))
				}
			case unix.IFA_FLAGS:
				flags = number(payload) &^ (unix.IFA_F_TENTATIVE | unix.IFA_F_OPTIMISTIC)
			}
		}
		out += fmt.Sprintf("%s scope %d flags %#x\n", line, b[3], flags)
	}
	return out
}

// move is Move from host to ctr. It must not take long, and leave no descriptors.
func move(t *testing.T, host *space, netns int, d devices) (err error) {
	t.Helper()
	before := openFiles(t)
	host.in(func() {
		begin := time.Now()
		err = Move(netns, d)
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("took %v", took)
		}
		var own, still unix.Stat_t
		if unix.Fstat(host.ns, &own) != nil || unix.Stat(ownNetns, &still) != nil || own.Ino != still.Ino {
			t.Error("the thread is in another namespace now")
		}
	})
	noneLeft(t, before)
	return err
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s\nwant:\n%s", what, got, want)
	}
}

// loaded makes a device that is up and has addresses of many kinds.
func loaded(t *testing.T, host *space, name string) {
	t.Helper()
	host.veth(t, name, name+"-peer", 0)
	host.start(t, name)
	nodad := message(nil).number(unix.IFA_FLAGS, unix.IFA_F_NODAD)
	lifetime := func(preferred, valid uint32) message {
		b := binary.NativeEndian.AppendUint32(nil, preferred)
		b = binary.NativeEndian.AppendUint32(b, valid)
		return message(nil).attr(unix.IFA_CACHEINFO, append(b, make([]byte, 8)...))
	}
	host.give(t, name, "10.0.0.1/24", 0, message(nil).attr(unix.IFA_BROADCAST, []byte{10, 0, 0, 255}))
	host.give(t, name, "10.0.0.2/24", 0, message(nil).text(unix.IFA_LABEL, name+":web"))
	host.give(t, name, "10.1.0.1/32", 0, message(nil).attr(unix.IFA_ADDRESS, []byte{10, 1, 0, 2}))
	host.give(t, name, "10.2.0.1/16", 0, message(nil).number(unix.IFA_RT_PRIORITY, 77).attr(ifaProto, []byte{9}))
	host.give(t, name, "10.3.0.1/16", 0, message(nil).number(unix.IFA_FLAGS, unix.IFA_F_NOPREFIXROUTE).text(unix.IFA_LABEL, "other"))
	host.give(t, name, "10.4.0.1/16", 0, lifetime(0, forever))
	host.give(t, name, "10.8.0.1/24", 0, lifetime(1000, 2000))      // not permanent
	host.give(t, name, "169.254.0.1/16", unix.RT_SCOPE_LINK, nil)   // not global
	host.give(t, name, "127.5.0.1/16", unix.RT_SCOPE_HOST, nil)     // not global
	host.give(t, name, "fe80::1:1/64", 0, nodad)                    // not global
	host.give(t, name, "2001:db8:8::1/64", 0, lifetime(1000, 2000)) // not permanent
	host.give(t, name, "2001:db8::1/64", 0, nodad)
	host.give(t, name, "2001:db8::2/64", 0, nil)
	host.give(t, name, "fd00::1/128", 0, message(nil).attr(unix.IFA_ADDRESS, netip.MustParseAddr("fd00::2").AsSlice()))
	host.give(t, name, "fd01::1/48", 0, message(nil).number(unix.IFA_FLAGS, unix.IFA_F_NOPREFIXROUTE|unix.IFA_F_NODAD).number(unix.IFA_RT_PRIORITY, 88).attr(ifaProto, []byte{8}))
	host.give(t, name, "fd02::1/64", 0, append(lifetime(0, forever), nodad...))
}

// moves are the lines of show for addresses that move.
func moves(shown string) string {
	var kept []string
	for line := range strings.Lines(shown) {
		if !strings.Contains(line, "10.8.0.1") && !strings.Contains(line, "2001:db8:8:") && !strings.Contains(line, "scope 253") && !strings.Contains(line, "scope 254") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// linkLocals waits for a device to have so many: the kernel adds its own when there is a carrier.
func (s *space) linkLocals(t *testing.T, device string, want int) {
	t.Helper()
	for begin := time.Now(); ; time.Sleep(time.Millisecond) {
		shown := s.show(t, device)
		if n := strings.Count(shown, "\nfe80:"); n == want {
			return
		} else if n > want || time.Since(begin) > 10*time.Second {
			t.Fatalf("%d link-local addresses, want %d:\n%s", n, want, shown)
		}
	}
}

func TestMove(t *testing.T) {
	host, ctr := spaces(t)
	loaded(t, host, "v0")
	index := host.find(t, "v0").index
	host.linkLocals(t, "v0", 2)
	before := host.show(t, "v0")
	if err := move(t, host, ctr.ns, devices{"v0": {Name: "eth0"}}); err != nil {
		t.Fatal(err)
	}
	ctr.linkLocals(t, "eth0", 1) // the kernel's own for this device
	after := ctr.show(t, "eth0")
	renamed := strings.NewReplacer("v0", "eth0").Replace(moves(before))
	want(t, "addresses", moves(after), renamed)
	if strings.Count(renamed, "\n") != 1+6+5 {
		t.Errorf("what should move is not that:\n%s", renamed)
	}
	if _, err := host.link(0, "v0"); !errors.Is(err, unix.ENODEV) {
		t.Errorf("it is still on the host: %v", err)
	}
	if got := ctr.find(t, "eth0").index; got != index {
		t.Errorf("its index was %d and is %d", index, got)
	}
}

func TestNames(t *testing.T) {
	host, ctr := spaces(t)
	for i, name := range []string{"a0", "b0", "c0", "d0"} {
		host.veth(t, name, name+"-peer", int32(100+i))
	}
	host.give(t, "c0", "10.0.0.1/24", 0, message(nil).text(unix.IFA_LABEL, "c0:x"))
	host.give(t, "b0", "10.0.0.1/24", 0, nil)
	altName := linkMessage(unix.RTM_NEWLINKPROP, host.find(t, "b0").index, 0).
		attr(unix.IFLA_PROP_LIST|unix.NLA_F_NESTED, message(nil).text(unix.IFLA_ALT_IFNAME, "another"))
	binary.NativeEndian.PutUint16(altName[6:], unix.NLM_F_REQUEST|unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_APPEND)
	host.must(t, altName)
	// In the container the names a0 and eth0, and the indexes 100 to 104, are taken.
	ctr.veth(t, "a0", "eth0", 100)
	for i := range 4 {
		ctr.veth(t, "x"+strconv.Itoa(i), "y"+strconv.Itoa(i), int32(101+i))
	}
	err := move(t, host, ctr.ns, devices{"a0": {Name: "new"}, "another": {}, "c0": {Name: "eth%d"}, "d0": {Name: "d%dx"}})
	if err != nil {
		t.Fatal(err)
	}
	want(t, "new", moves(ctr.show(t, "new")), "new up\n")
	want(t, "b0", moves(ctr.show(t, "b0")), "b0 up\n10.0.0.1/24 local 10.0.0.1 label b0 scope 0 flags 0x80\n")
	want(t, "eth%d", moves(ctr.show(t, "eth1")), "eth1 up\n10.0.0.1/24 local 10.0.0.1 label eth1:x scope 0 flags 0x80\n")
	want(t, "d%dx", moves(ctr.show(t, "d0x")), "d0x up\n")
	ctr.find(t, "another")
}

func TestNothing(t *testing.T) {
	if err := Move(-1, nil); err != nil {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	host, ctr := spaces(t)
	host.veth(t, "v0", "p0", 0)
	host.veth(t, "v1", "p1", 0)
	ctr.veth(t, "eth0", "eth1", 0)
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(null)
	for _, c := range []struct {
		netns int
		d     devices
		errno syscall.Errno
		want  string
	}{
		{ctr.ns, devices{"nope": {}, "v0": {}}, unix.ENODEV, `linux.netDevices["nope"]: no such device in the runtime's network namespace`},
		{ctr.ns, devices{"v0": {}, "v0nope": {}}, unix.ENODEV, `linux.netDevices["v0nope"]: no such device in the runtime's network namespace`},
		{ctr.ns, devices{"v1": {Name: "eth0"}}, unix.EEXIST, `linux.netDevices["v1"].name eth0: taken in the container's network namespace`},
		{ctr.ns, devices{"lo": {}}, unix.EEXIST, `linux.netDevices["lo"].name lo: taken in the container's network namespace`},
		{ctr.ns, devices{"lo": {Name: "lo1"}}, unix.EINVAL, `linux.netDevices["lo"]: move it to the container's network namespace: invalid argument (EINVAL): The interface netns is immutable`},
		{ctr.ns, devices{"v0": {Name: "a%sb"}}, unix.EINVAL, `linux.netDevices["v0"]: move it to the container's network namespace: invalid argument (EINVAL)`},
		{host.ns, devices{"v0": {Name: "w0"}}, unix.EEXIST, `linux.netDevices["v0"]: already in the container's network namespace, which is the runtime's own`},
		{null, devices{"v0": {}}, unix.EINVAL, `linux.netDevices: enter the container's network namespace: invalid argument (EINVAL)`},
		{-1, devices{"v0": {}}, unix.EBADF, `linux.netDevices: enter the container's network namespace: bad file descriptor (EBADF)`},
	} {
		err := move(t, host, c.netns, c.d)
		if !errors.Is(err, c.errno) || !strings.HasPrefix(errorText(err), c.want) { // newer kernels say more
			t.Errorf("%v:\n%v\nwant:\n%s", c.d, err, c.want)
		}
		want(t, "v0", host.show(t, "v0"), "v0 down\n")
		want(t, "v1", host.show(t, "v1"), "v1 down\n")
	}
}

// TestUndo: the second device fails, and both are as they were.
func TestUndo(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(t *testing.T, host, ctr *space)
		second  string // its name in the container
		errno   syscall.Errno
		want    string
	}{
		// The kernel has moved b when it finds that it cannot rename it.
		"name": {nil, "eth0", unix.EEXIST, `linux.netDevices["b"].name eth0: taken in the container's network namespace`},
		// Here it cannot even be moved, since b is taken too.
		"both names": {func(t *testing.T, host, ctr *space) { ctr.veth(t, "b", "b-peer", 0) },
			"eth0", unix.EEXIST, `linux.netDevices["b"].name eth0: taken in the container's network namespace`},
		"template": {nil, "x%sy", unix.EINVAL, `linux.netDevices["b"]: move it to the container's network namespace: invalid argument (EINVAL)`},
		"address": {func(t *testing.T, host, ctr *space) {
			ctr.in(func() {
				if err := os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0); err != nil {
					t.Error(err)
				}
			})
			host.give(t, "b", "fd00::9/64", 0, nil)
		}, "eth1", unix.EACCES, `linux.netDevices["b"]: add fd00::9/64 in the container's network namespace: permission denied (EACCES)`},
	} {
		t.Run(name, func(t *testing.T) {
			host, ctr := spaces(t)
			if name == "address" {
				host.veth(t, "a", "a-peer", 0) // IPv6 is off: it has none
				host.start(t, "a")
				host.give(t, "a", "10.0.0.1/24", 0, nil)
			} else {
				loaded(t, host, "a")
			}
			host.veth(t, "b", "b-peer", 0)
			host.give(t, "b", "10.9.0.1/24", 0, message(nil).text(unix.IFA_LABEL, "b:x"))
			if c.prepare != nil {
				c.prepare(t, host, ctr)
			}
			a, b := host.find(t, "a"), host.find(t, "b")
			showA, showB := host.show(t, "a"), host.show(t, "b")
			err := move(t, host, ctr.ns, devices{"a": {Name: "eth0"}, "b": {Name: c.second}})
			if !errors.Is(err, c.errno) || !strings.HasPrefix(errorText(err), c.want) || strings.Contains(errorText(err), ";") {
				t.Errorf("%v, want:\n%s", err, c.want)
			}
			want(t, "a", moves(host.show(t, "a")), moves(showA))
			want(t, "b", host.show(t, "b"), showB)
			if host.find(t, "a") != a || host.find(t, "b") != b {
				t.Errorf("they were %v, %v, and are %v, %v", a, b, host.find(t, "a"), host.find(t, "b"))
			}
			for _, gone := range []string{"a", "eth0", "eth1"} {
				if _, err := ctr.link(0, gone); !errors.Is(err, unix.ENODEV) {
					t.Errorf("%s is in the container: %v", gone, err)
				}
			}
		})
	}
}

// TestNotBack: what cannot be undone is told, and the rest is done all the same.
func TestNotBack(t *testing.T) {
	host, ctr := spaces(t)
	host.veth(t, "a", "a-peer", 0)
	host.start(t, "a")
	host.give(t, "a", "10.0.0.1/24", 0, nil)
	var m *mover
	var err error
	host.in(func() { m, err = open(ctr.ns) })
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	found, err := m.find(devices{"a": {Name: "eth0"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.move(&found[0]); err != nil {
		t.Fatal(err)
	}
	host.veth(t, "a", "b", found[0].index) // somebody takes the name and the index
	err = m.undo(found, failed("here", "call", unix.ENOSPC))
	got := errorText(err)
	if !errors.Is(err, unix.ENOSPC) || !strings.HasPrefix(got, "here: call: no space left on device (ENOSPC); put a back: file exists (EEXIST)") {
		t.Error(got)
	}
	want(t, "it", moves(host.show(t, "eth0")), "eth0 up\n10.0.0.1/24 local 10.0.0.1 label a scope 0 flags 0x80\n")
}

// TestManyAddresses: their list is longer than what the kernel puts into one message.
func TestManyAddresses(t *testing.T) {
	host, ctr := spaces(t)
	host.veth(t, "v0", "p0", 0)
	for i := range 1500 {
		host.give(t, "v0", fmt.Sprintf("10.%d.%d.1/24", i/250, i%250), 0, nil)
	}
	host.give(t, "v0", "fd00::1/64", 0, nil)
	before := host.show(t, "v0")
	if err := move(t, host, ctr.ns, devices{"v0": {}}); err != nil {
		t.Fatal(err)
	}
	want(t, "addresses", moves(ctr.show(t, "v0")), strings.Replace(before, "v0 down\n", "v0 up\n", 1))
}

func TestNotPermitted(t *testing.T) {
	host, _ := spaces(t)
	loaded(t, host, "v0")
	before := host.show(t, "v0")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), rootlessEnv+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}},
	}
	var out []byte
	host.in(func() { out, err = cmd.CombinedOutput() })
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want(t, "error", string(out), "true linux.netDevices[\"v0\"]: move it to the container's network namespace: operation not permitted (EPERM)\n")
	want(t, "v0", moves(host.show(t, "v0")), moves(before))
}
