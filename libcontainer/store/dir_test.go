// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func create(t testing.TB, r *Root, id string) *Dir {
	t.Helper()
	d, err := r.Create(id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// open opens a container's directory once more, as another tare would: a second open file
// description, so its lock excludes the first one's.
func open(t testing.TB, r *Root, id string) *Dir {
	t.Helper()
	d, err := r.Dir(id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func TestCreate(t *testing.T) {
	r := newRoot(t)
	if _, err := r.Dir("c1"); err != ErrNotExist {
		t.Errorf("before: %v, want %v", err, ErrNotExist)
	}
	d := create(t, r, "c1")
	if !d.Locked() || d.Busy() {
		t.Errorf("locked %v, busy %v: want it locked, and not by another", d.Locked(), d.Busy())
	}
	if want := filepath.Join(r.Path(), "c1"); d.Path() != want {
		t.Errorf("path %q, want %q", d.Path(), want)
	}
	var byFD, byPath unix.Stat_t
	if err := unix.Fstat(d.FD(), &byFD); err != nil {
		t.Fatal(err)
	}
	if err := unix.Stat(d.Path(), &byPath); err != nil || byFD.Ino != byPath.Ino {
		t.Errorf("the descriptor is not of %s: %v", d.Path(), err)
	}
	if flags, err := unix.FcntlInt(uintptr(d.FD()), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("descriptor flags %#x, %v: want close-on-exec", flags, err)
	}
	if uid, err := d.Owner(); err != nil || uid != uint32(os.Geteuid()) {
		t.Errorf("owner %d, %v", uid, err)
	}
	if extra := byFD.Mode & 0o7777 &^ 0o711; extra != 0 {
		t.Errorf("mode %o has more than 711", byFD.Mode&0o7777)
	}

	// A second Create, whether the first one is at work, done, or was killed.
	if _, err := r.Create("c1"); err != ErrExist {
		t.Errorf("while it is made: %v, want %v", err, ErrExist)
	}
	d.Close()
	if _, err := r.Create("c1"); err != ErrExist {
		t.Errorf("left without a state: %v, want %v", err, ErrExist)
	}
	if err := os.WriteFile(filepath.Join(r.Path(), "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Create("file"); err != ErrExist {
		t.Errorf("over a file: %v, want %v", err, ErrExist)
	}
	if _, err := r.Dir("file"); err != ErrNotExist {
		t.Errorf("Dir of a file: %v, want %v", err, ErrNotExist)
	}
}

// TestCreateRace: of many that create the same container, one gets it.
func TestCreateRace(t *testing.T) {
	r := newRoot(t)
	for range 20 {
		var made, refused int
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				d, err := r.Create("c1")
				mu.Lock()
				defer mu.Unlock()
				switch err {
				case nil:
					made++
					t.Cleanup(d.Close)
				case ErrExist:
					refused++
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if made != 1 || refused != 7 {
			t.Fatalf("%d made it, %d were refused", made, refused)
		}
		if err := os.Remove(filepath.Join(r.Path(), "c1")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSave(t *testing.T) {
	r := newRoot(t)
	d := create(t, r, "c1")
	if _, err := d.State(); err != ErrNotExist {
		t.Errorf("before the first Save: %v, want %v", err, ErrNotExist)
	}
	other := open(t, r, "c1")
	if _, err := other.State(); err != ErrNotExist {
		t.Errorf("before the first Save, from elsewhere: %v, want %v", err, ErrNotExist)
	}
	long, short := whole("c1"), &State{ID: "c1", Phase: Creating}
	long.Annotations = map[string]string{}
	for _, odd := range oddTexts {
		long.Annotations[odd] = odd
	}
	for _, want := range []*State{long, short, long} { // a shorter one leaves nothing of the longer
		if err := d.Save(want); err != nil {
			t.Fatal(err)
		}
		for _, from := range []*Dir{d, other} {
			got, err := from.State()
			if err != nil {
				t.Fatal(err)
			}
			same(t, got, want)
		}
	}
	var st unix.Stat_t
	if err := unix.Stat(d.Path()+"/state.json", &st); err != nil || st.Mode&0o077 != 0 {
		t.Errorf("state.json has mode %o, %v: want it the owner's alone", st.Mode&0o7777, err)
	}
	if _, err := os.Lstat(d.Path() + "/.state.json"); !os.IsNotExist(err) {
		t.Errorf("the temporary file is left: %v", err)
	}

	defer func() {
		if got, _ := recover().(string); !strings.HasPrefix(got, "BUG: ") {
			t.Errorf("Save without the lock: %q, want it to panic", got)
		}
	}()
	d.Unlock()
	d.Save(short)
}

func TestConfig(t *testing.T) {
	r := newRoot(t)
	d := create(t, r, "c1")
	if _, err := d.Config(); !errors.Is(err, unix.ENOENT) {
		t.Errorf("without one: %v, want ENOENT", err)
	}
	for _, want := range []string{"", "{}\n", strings.Repeat("x", 3<<20), "not JSON \x00\xff\r\n"} {
		if err := d.SaveConfig([]byte(want)); err != nil {
			t.Fatal(err)
		}
		if got, err := open(t, r, "c1").Config(); err != nil || string(got) != want {
			t.Errorf("%d bytes come back as %d, %v", len(want), len(got), err)
		}
	}
}

// TestSaveIsAtomic: readers, by both ways, while a writer changes between a long and a short state.
func TestSaveIsAtomic(t *testing.T) {
	r := newRoot(t)
	d := create(t, r, "c1")
	long, short := whole("c1"), &State{ID: "c1", Phase: Creating, PID: 1}
	long.Annotations = map[string]string{"long": strings.Repeat("x", 100000)}
	if err := d.Save(long); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	var seen [4]struct{ long, short int }
	for i := range seen {
		from := open(t, r, "c1")
		readers.Go(func() {
			for {
				var s *State
				var err error
				if i%2 == 0 {
					s, err = from.State()
				} else {
					s, _, err = r.Look("c1")
				}
				switch {
				case err != nil:
					t.Errorf("a reader sees %v", err)
					return
				case s.PID == long.PID && s.Annotations["long"] == long.Annotations["long"]:
					seen[i].long++
				case s.PID == short.PID && s.Annotations == nil && s.Phase == Creating:
					seen[i].short++
				default:
					t.Errorf("a reader sees pid %d with %d bytes", s.PID, len(s.Annotations["long"]))
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	saves := 0
	for end := time.Now().Add(300 * time.Millisecond); time.Now().Before(end); saves++ {
		s := long
		if saves%2 == 0 {
			s = short
		}
		if err := d.Save(s); err != nil {
			t.Error(err)
			break
		}
	}
	close(stop)
	readers.Wait()
	for i, n := range seen {
		if !t.Failed() && (n.long == 0 || n.short == 0) {
			t.Errorf("reader %d saw %d long and %d short of %d saves: nothing is shown", i, n.long, n.short, saves)
		}
	}
}

// TestKilledSave: what one who was killed in the middle of Save leaves is not read, and not in
// the way of the next.
func TestKilledSave(t *testing.T) {
	r := newRoot(t)
	d := create(t, r, "c1")
	left := filepath.Join(d.Path(), ".state.json")
	half := whole("c1").Append(nil)
	if err := os.WriteFile(left, half[:len(half)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.State(); err != ErrNotExist {
		t.Errorf("State: %v, want %v", err, ErrNotExist)
	}
	if _, _, err := r.Look("c1"); err != ErrNotExist {
		t.Errorf("Look: %v, want %v", err, ErrNotExist)
	}
	want := &State{ID: "c1", Phase: Creating}
	if err := d.Save(want); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(left, append(half, strings.Repeat(" ", 1000)...), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := d.State()
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, want)
	want.PID = 7
	if err := d.Save(want); err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(d.Path() + "/state.json"); err != nil || string(raw) != string(want.Append(nil)) {
		t.Errorf("%q, %v", raw, err)
	}
	if err := os.WriteFile(left, half, 0o600); err != nil {
		t.Fatal(err)
	}
	if ids, err := r.List(); err != nil || len(ids) != 1 || ids[0] != "c1" {
		t.Errorf("List: %q, %v", ids, err)
	}
	if err := d.Remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(d.Path()); !os.IsNotExist(err) {
		t.Errorf("still there: %v", err)
	}
}

// TestCorruptState: somebody else's text is an error that names the file, and says what to do.
func TestCorruptState(t *testing.T) {
	r := newRoot(t)
	d := create(t, r, "c1")
	name := filepath.Join(d.Path(), "state.json")
	for _, raw := range []string{"", "{}", "half a sta"} {
		if err := os.WriteFile(name, []byte(raw), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := d.State()
		var e *corruptError
		if !errors.As(err, &e) {
			t.Fatalf("%q: %v", raw, err)
		}
		if e.Path() != name || !strings.HasPrefix(err.Error(), name+": byte ") || !strings.Contains(e.Hint(), "by hand") {
			t.Errorf("%q: %v at %s, hint %q", raw, err, e.Path(), e.Hint())
		}
	}
	// A link in its place is not followed.
	elsewhere := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(elsewhere, whole("c1").Append(nil), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, name); err != nil {
		t.Fatal(err)
	}
	if s, err := d.State(); !errors.Is(err, unix.ELOOP) {
		t.Errorf("through a link: %+v, %v, want ELOOP", s, err)
	}
	// Nor one in place of the temporary file, which would be written through.
	if err := os.Symlink(elsewhere, filepath.Join(d.Path(), ".state.json")); err != nil {
		t.Fatal(err)
	}
	if err := d.Save(&State{ID: "c1", Phase: Creating}); !errors.Is(err, unix.ELOOP) {
		t.Errorf("Save through a link: %v, want ELOOP", err)
	}
	if raw, err := os.ReadFile(elsewhere); err != nil || string(raw) != string(whole("c1").Append(nil)) {
		t.Errorf("the file behind the link is now %q, %v", raw, err)
	}
}

func TestLock(t *testing.T) {
	r := newRoot(t)
	first := create(t, r, "c1")
	second := open(t, r, "c1")
	if second.Locked() || !second.Busy() {
		t.Errorf("second: locked %v, busy %v, want no and yes", second.Locked(), second.Busy())
	}
	if err := first.Lock(0); err != nil {
		t.Errorf("the holder once more: %v", err)
	}
	if err := second.Lock(0); err != ErrBusy {
		t.Errorf("without patience: %v, want %v", err, ErrBusy)
	}
	const patience = 50 * time.Millisecond
	begin := time.Now()
	if err := second.Lock(patience); err != ErrBusy {
		t.Errorf("with patience: %v, want %v", err, ErrBusy)
	}
	if took := time.Since(begin); took < patience || took > 20*patience {
		t.Errorf("patience of %v took %v", patience, took)
	}
	if second.Locked() {
		t.Error("second believes that it has the lock")
	}

	first.Unlock()
	if first.Locked() || first.Busy() || second.Busy() {
		t.Errorf("unlocked: locked %v, busy %v and %v", first.Locked(), first.Busy(), second.Busy())
	}
	if err := second.Lock(0); err != nil || !second.Locked() || !first.Busy() {
		t.Errorf("the free lock: %v, locked %v, busy for the first %v", err, second.Locked(), first.Busy())
	}
	first.Unlock() // has none: must not let go of the second's
	if !first.Busy() {
		t.Error("Unlock without the lock took it from another")
	}

	// It waits for one who lets go, and closing is letting go.
	got := make(chan error)
	go func() { got <- first.Lock(10 * time.Second) }()
	select {
	case err := <-got:
		t.Fatalf("did not wait: %v", err)
	case <-time.After(30 * time.Millisecond):
	}
	second.Close()
	if err := <-got; err != nil {
		t.Errorf("after the other has closed: %v", err)
	}
}

// TestLockExcludes: many add to one number under the lock, and none is lost.
func TestLockExcludes(t *testing.T) {
	r := newRoot(t)
	d := create(t, r, "c1")
	if err := d.Save(&State{ID: "c1", Phase: Creating}); err != nil {
		t.Fatal(err)
	}
	d.Close()
	const workers, rounds = 6, 10
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range rounds {
				d, err := r.Dir("c1")
				if err != nil {
					t.Error(err)
					return
				}
				if err := d.Lock(20 * time.Second); err != nil {
					t.Error(err)
				} else if s, err := d.State(); err != nil {
					t.Error(err)
				} else {
					time.Sleep(100 * time.Microsecond) // long enough for others to come between
					s.PID++
					if err := d.Save(s); err != nil {
						t.Error(err)
					}
				}
				d.Close()
			}
		})
	}
	all.Wait()
	if s, _, err := r.Look("c1"); err != nil || s.PID != workers*rounds {
		t.Errorf("%+v, %v: want %d", s, err, workers*rounds)
	}
}

// TestLockOfRemoved: who waited for the lock of a directory that is removed, or made anew, does
// not get it.
func TestLockOfRemoved(t *testing.T) {
	r := newRoot(t)
	first := create(t, r, "c1")
	second, third := open(t, r, "c1"), open(t, r, "c1")
	if err := first.Remove(); err != nil {
		t.Fatal(err)
	}
	first.Close()
	if err := second.Lock(0); err != ErrNotExist || second.Locked() {
		t.Errorf("removed: %v, locked %v, want %v", err, second.Locked(), ErrNotExist)
	}
	if _, err := second.State(); err != ErrNotExist {
		t.Errorf("its state: %v, want %v", err, ErrNotExist)
	}
	again := create(t, r, "c1")
	if err := third.Lock(0); err != ErrNotExist {
		t.Errorf("made anew: %v, want %v", err, ErrNotExist)
	}
	if third.Busy() {
		t.Error("the lock of the removed one is still held")
	}
	if !again.Locked() {
		t.Error("the new one is not locked")
	}
}
