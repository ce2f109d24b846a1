// SPDX-License-Identifier: Apache-2.0

package cgroup

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

func TestDeviceRules(t *testing.T) {
	for _, tc := range []struct {
		d    specs.LinuxDeviceCgroup
		want string // the rule, or "error: ..."
	}{
		{specs.LinuxDeviceCgroup{Access: "rwm"}, "a"},
		{specs.LinuxDeviceCgroup{Type: "a", Access: "r", Major: ptr(int64(1))}, "a"},
		{specs.LinuxDeviceCgroup{Type: "c", Access: "mr"}, "c *:* rm"},
		{specs.LinuxDeviceCgroup{Type: "b", Access: "w", Major: ptr(int64(8)), Minor: ptr(int64(-1))}, "b 8:* w"},
		{specs.LinuxDeviceCgroup{Type: "c", Access: "r", Minor: ptr(int64(4294967295))}, "c *:4294967295 r"},
		{specs.LinuxDeviceCgroup{Type: "c"}, "error: linux.resources.devices[0]: access: want letters of rwm, got none: device access cannot be empty"},
		{specs.LinuxDeviceCgroup{Type: "c", Access: "rx"}, `error: access: want letters of rwm, got "rx"`},
		{specs.LinuxDeviceCgroup{Type: "u", Access: "r"}, `error: type: want a, b or c, got "u"`},
		{specs.LinuxDeviceCgroup{Type: "cc", Access: "r"}, `error: type: want a, b or c`},
		{specs.LinuxDeviceCgroup{Type: "c", Access: "r", Major: ptr(int64(-2))}, "error: major: want"},
		{specs.LinuxDeviceCgroup{Type: "c", Access: "r", Minor: ptr(int64(1 << 32))}, "error: minor: want"},
	} {
		rules, err := deviceRules([]specs.LinuxDeviceCgroup{tc.d})
		if want, ok := strings.CutPrefix(tc.want, "error: "); ok {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v, want %s", tc.d, err, want)
			}
			continue
		}
		if err != nil || rules[0].String() != tc.want || len(rules) != 1+len(defaultRules) {
			t.Errorf("%+v: %v %v, want %s", tc.d, &rules[0], err, tc.want)
		}
	}
}

// parse reads rules as "+c 1:3 rw": allow or deny, then as in devices.allow.
func parse(t *testing.T, lines ...string) []deviceRule {
	t.Helper()
	rules := make([]deviceRule, 0, len(lines))
	for i, line := range lines {
		r := deviceRule{kind: line[1], allow: line[0] == '+', index: i, major: anyNumber, minor: anyNumber, access: accAll}
		if r.kind != 'a' {
			var numbers, letters string
			fmt.Sscanf(line[2:], "%s %s", &numbers, &letters)
			major, minor, _ := strings.Cut(numbers, ":")
			fmt.Sscan(major, &r.major) // leaves "*" alone
			fmt.Sscan(minor, &r.minor)
			r.access = 0
			for _, l := range letters {
				r.access |= map[rune]access{'r': accRead, 'w': accWrite, 'm': accMknod}[l]
			}
		}
		rules = append(rules, r)
	}
	return rules
}

func TestV1Exceptions(t *testing.T) {
	for _, tc := range []struct{ rules, want string }{
		{"", "deny"},
		{"-a", "deny"},
		{"+a", "allow"},
		{"+a,-a", "deny"},
		{"+c 1:3 r,-a", "deny"},
		{"+c 1:3 r,+c 1:3 w", "deny,c 1:3 rw"},
		{"+c 1:3 rw,-c 1:3 w", "deny,c 1:3 r"},
		{"+c 1:3 rw,-c 1:* rw,+c 1:5 r", "deny,c 1:5 r"},
		{"+c 1:3 rw,-b 1:3 rw", "deny,c 1:3 rw"},
		{"+c 1:* r,-c 1:3 w", "deny,c 1:* r"},
		{"+c 1:* r,-c 1:3 r", "error: linux.resources.devices[1]: cgroup v1 cannot except c 1:3 r from the wider rule c 1:* r"},
		{"+c *:3 r,-c 1:* r", "error: cannot except"},
		{"+a,-c 1:3 rwm,+c *:* m", "allow,c 1:3 rw"},
		{"+a,-c 1:* rwm,+c 1:3 m", "error: cannot except"},
		{"+a,-c 4:* r,-c 4:* w", "allow,c 4:* rw"},
	} {
		var rules []deviceRule
		if tc.rules != "" {
			rules = parse(t, strings.Split(tc.rules, ",")...)
		}
		x, err := v1Exceptions(rules)
		if want, ok := strings.CutPrefix(tc.want, "error: "); ok {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", tc.rules, err, want)
			}
			continue
		}
		got := "deny"
		if x.allow {
			got = "allow"
		}
		for i := range x.list {
			got += "," + x.list[i].String()
		}
		if err != nil || got != tc.want {
			t.Errorf("%s: %s %v, want %s", tc.rules, got, err, tc.want)
		}
	}
}

// decide is the meaning of rules, in so many words: for each kind of access the last rule that
// fits decides.
func decide(rules []deviceRule, kind byte, major, minor int64, want access) bool {
	for bit := accMknod; bit <= accWrite; bit <<= 1 {
		if want&bit == 0 {
			continue
		}
		allowed := false
		for _, r := range rules {
			if r.covers(&deviceRule{kind: kind, major: major, minor: minor}) && r.access&bit != 0 {
				allowed = r.allow
			}
		}
		if !allowed {
			return false
		}
	}
	return true
}

// enforce is what the v1 kernel does with exceptions: one of them must hold all that is wanted,
// or, where they deny, none may hold any of it.
func (x exceptions) enforce(kind byte, major, minor int64, want access) bool {
	for _, e := range x.list {
		if !e.covers(&deviceRule{kind: kind, major: major, minor: minor}) {
			continue
		}
		if x.allow && e.access&want != 0 {
			return false
		}
		if !x.allow && e.access&want == want {
			return true
		}
	}
	return x.allow
}

// interp runs a device program, slowly. It knows the operations the compiler uses and no others.
func interp(t *testing.T, p []insn, kind byte, major, minor int64, want access) bool {
	device := uint32(unix.BPF_DEVCG_DEV_CHAR)
	if kind == 'b' {
		device = unix.BPF_DEVCG_DEV_BLOCK
	}
	context := []uint32{uint32(want)<<16 | device, uint32(major), uint32(minor)}
	var reg [11]uint32
	for at := 0; ; at++ {
		i := p[at]
		dst, src := &reg[i.regs&15], reg[i.regs>>4]
		if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
			dst, src = &reg[i.regs>>4], reg[i.regs&15]
		}
		switch i.code {
		case opLoadWord:
			*dst = context[i.off/4]
		case opMoveImm:
			*dst = uint32(i.imm)
		case opMoveReg:
			*dst = src
		case opAnd:
			*dst &= uint32(i.imm)
		case opShiftRight:
			*dst >>= uint32(i.imm)
		case opJumpNotEq:
			if *dst != uint32(i.imm) {
				at += int(i.off)
			}
		case opJumpSet:
			if *dst&uint32(i.imm) != 0 {
				at += int(i.off)
			}
		case opJump:
			at += int(i.off)
		case opExit:
			return reg[0] == 1
		default:
			t.Fatalf("instruction %d: unknown code %#x", at, i.code)
		}
	}
}

// TestDeviceProgram compares random rules, as compiled for v2 and as written down for v1, with
// their meaning.
func TestDeviceProgram(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	number := func() int64 { return [...]int64{anyNumber, 1, 2, 1<<32 - 1}[rnd.IntN(4)] }
	v1, wholly := 0, 0
	for round := range 3000 {
		var rules []deviceRule
		for range rnd.IntN(8) {
			r := deviceRule{kind: "bcccbca"[rnd.IntN(7)], major: number(), minor: number(), access: access(1 + rnd.IntN(7)), allow: rnd.IntN(2) == 0}
			if r.kind == 'a' {
				r.major, r.minor, r.access = anyNumber, anyNumber, accAll
			}
			rules = append(rules, r)
		}
		p := deviceProgram(rules)
		if len(p) == 0 || p[len(p)-1].code != opExit {
			t.Fatal("program does not end in exit")
		}
		x, err := v1Exceptions(rules)
		if err == nil {
			v1++
		}
		same := true
		for _, kind := range []byte("bc") {
			for _, major := range []int64{1, 2, 3, 1<<32 - 1} {
				for _, minor := range []int64{1, 2, 3, 1<<32 - 1} {
					for want := access(0); want <= accAll; want++ {
						yes := decide(rules, kind, major, minor, want)
						if got := interp(t, p, kind, major, minor, want); got != yes {
							t.Fatalf("round %d: %v: program says %v to %c %d:%d %d", round, rules, got, kind, major, minor, want)
						}
						if err != nil || want == 0 {
							continue
						}
						got := x.enforce(kind, major, minor, want)
						if got && !yes {
							t.Fatalf("round %d: %v: v1 allows %c %d:%d %d", round, rules, kind, major, minor, want)
						}
						if !got && yes && want&(want-1) == 0 {
							t.Fatalf("round %d: %v: v1 denies %c %d:%d %d", round, rules, kind, major, minor, want)
						}
						same = same && got == yes
					}
				}
			}
		}
		if err == nil && same {
			wholly++
		}
		if unix.Geteuid() == 0 && round < 300 {
			fd, err := loadProgram(p)
			if err != nil {
				t.Fatalf("round %d: %v: the verifier: %v", round, rules, err)
			}
			unix.Close(fd)
		}
	}
	t.Logf("v1 can say %d of 3000, %d of them also for several kinds of access at once", v1, wholly)
}

func BenchmarkDeviceProgram(b *testing.B) {
	rules, _ := deviceRules(nil)
	for b.Loop() {
		deviceProgram(rules)
	}
}
