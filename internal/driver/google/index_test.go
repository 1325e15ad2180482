package google

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// An operation may fail while a list is under way that began before: a fresh
// look must not be answered by it.
func TestFreshListsBeginAfterTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lists := 0
		rules := newIndex(func(name string) string { return name }, func(context.Context) ([]string, error) {
			lists++
			time.Sleep(time.Second)
			return nil, nil
		})
		go func() { _, _ = rules.all(t.Context(), true) }()
		synctest.Wait()
		rules.put("rule") // accepted, and its operation fails
		for range 3 {     // who looks at the same time shares the list
			go func() { _, _ = rules.all(t.Context(), true) }()
		}
		synctest.Wait()
		found, err := rules.all(t.Context(), true)
		if err != nil || len(found) != 0 {
			t.Errorf("a fresh list holds %v, %v: what was written, and is not there", found, err)
		}
		if lists != 2 {
			t.Errorf("%d lists, want the one under way and one for all who asked meanwhile", lists)
		}
		if _, err := rules.all(t.Context(), false); err != nil || lists != 2 {
			t.Errorf("%d lists, %v: any list of this run would have done", lists, err)
		}
	})
}

// What is known without a request is all that is known, also while a list is
// under way: a firewall of which only the last written rule were told would be
// copied without the others.
func TestWhatIsKnownStaysKnownWhileAListIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		standing, fails := []string{"first", "second"}, false
		rules := newIndex(func(name string) string { return name }, func(context.Context) ([]string, error) {
			found := slices.Clone(standing)
			time.Sleep(time.Second)
			if fails {
				return nil, errors.New("no answer")
			}
			return found, nil
		})
		known := func() []string { return slices.Sorted(slices.Values(rules.some(func(string) bool { return true }))) }
		rules.put("first")
		rules.put("second")
		if _, err := rules.all(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		standing = append(standing, "third")
		rules.put("third")
		for _, fails = range []bool{true, false} {
			go func() { _, _ = rules.all(t.Context(), true) }()
			synctest.Wait()
			if got := known(); !slices.Equal(got, []string{"first", "second", "third"}) {
				t.Errorf("while a list is under way %v are known", got)
			}
			time.Sleep(2 * time.Second)
			if got := known(); !slices.Equal(got, []string{"first", "second", "third"}) {
				t.Errorf("after a list that failed (%v) %v are known", fails, got)
			}
		}
		rules.drop("second")
		if got := known(); !slices.Equal(got, []string{"first", "third"}) {
			t.Errorf("after a delete %v are known", got)
		}
	})
}
